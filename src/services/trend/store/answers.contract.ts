import assert from 'node:assert/strict';
import { countIn, noonHour, noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import { dayMs, hourMs } from '../../../runtime/time.ts';
import type { CountedSearch, Decision } from '../trend-projection.ts';
import type { TrendStore } from './trend-store.ts';
import { describeOne, type TrendStoreTest } from './trend-store-under-test.contract.ts';

/** Which answer and which spelling a query is shown with. */
export function testAnswers(test: TrendStoreTest): void {
  const answer = async (store: TrendStore) => {
    const { books, corrected } = (await describeOne(store, 'emma'))!;
    return [books, corrected];
  };

  test('keeps the latest answer, whichever comes last', async ({ store, count }) => {
    await count([searchOf('emma', 'ann', { books: [{ id: 1 }], corrected: 'emma' })]);
    await count([searchOf('emma', 'bob', { books: [{ id: 2 }], time: noonMs - 1 })]);
    assert.deepEqual(await answer(store), ['[{"id":1}]', 'emma']);
    await count([searchOf('emma', 'cid', { books: [{ id: 3 }], time: noonMs + 1 })]);
    assert.deepEqual(await answer(store), ['[{"id":3}]', null]);
  });

  test('keeps the greatest of several answers of one moment', async ({ store, another }) => {
    const [one, other] = await countIn(store, await another());
    await one!([searchOf('emma', 'ann', { books: [{ id: 2 }] }), searchOf('emma', 'ann', { books: [{ id: 1 }] })]);
    await other!([searchOf('emma', 'ann', { books: [{ id: 3 }] })]);
    await one!([searchOf('emma', 'ann', { books: [{ id: 2 }] })]);
    assert.deepEqual(await answer(store), ['[{"id":3}]', null]);
    await one!([searchOf('emma', 'ann', { books: [{ id: 3 }], corrected: 'emma' })]);
    await other!([searchOf('emma', 'ann', { books: [{ id: 3 }] })]);
    assert.deepEqual(await answer(store), ['[{"id":3}]', 'emma']);
  });

  test('labels a query as most readers spelt it in thirty days, among equals by code point', async (opened) => {
    const { store, count } = opened;
    // In UTF-16, which JavaScript compares by, the second comes first.
    const [smaller, greater] = ['emma\uFF0E', 'emma\u{1F600}'];
    const spelt = (label: string, ago = 0): CountedSearch => ({
      ...searchOf('emma', 'ann', { time: noonMs - ago * dayMs }),
      label,
    });
    await count([spelt(greater), spelt(smaller)]);
    assert.equal((await describeOne(store, 'emma'))?.label, smaller);
    await count([spelt(greater, 20)]);
    assert.equal((await describeOne(store, 'emma'))?.label, greater);
  });

  test('labels a query as its key where most readers spell it so, each once an hour', async ({ store, count }) => {
    const spelt = (label: string, reader: string): CountedSearch => ({ ...searchOf('emma', reader), label });
    for (const [label, reader, expected] of [
      ['emma', 'ann', 'emma'],
      ['Emma', 'bob', 'Emma'],
      ['emma', 'cid', 'emma'],
      ['Emma', 'bob', 'emma'],
      ['EMMA', 'dan', 'emma'],
      ['EMMA', 'eve', 'EMMA'],
    ] as const) {
      await count([spelt(label, reader), spelt(label, reader)]);
      assert.equal((await describeOne(store, 'emma'))?.label, expected, `${label} by ${reader}`);
    }
  });

  test('never keeps a filtered page, or one without books, as the answer', async ({ store, count }) => {
    await count([searchOf('emma', 'ann', { books: [{ id: 1 }] })]);
    const later = { time: noonMs + 1 };
    await count([{ ...searchOf('emma', 'bob', { ...later, books: [{ id: 2 }] }), lead: null }]);
    await count([searchOf('emma', 'cid', later)]);
    assert.deepEqual(await answer(store), ['[{"id":1}]', null]);
    assert.equal((await describeOne(store, 'emma'))?.lead, 1);
  });

  test('says which book a query led to most often in thirty days, among equals the one with the least id', async (opened) => {
    const { store, count } = opened;
    const led = (id: number, ago = 0): CountedSearch =>
      searchOf('emma', 'ann', { time: noonMs - ago * dayMs, books: [{ id }] });
    await count([led(7), led(5), led(7), led(5)]);
    assert.equal((await describeOne(store, 'emma'))?.lead, 5);
    await count([led(7, 20)]);
    assert.equal((await describeOne(store, 'emma'))?.lead, 7);
  });

  test('keeps what operators decided last, in whatever order it comes', async ({ store, count }) => {
    const decision = (about: Decision['about'], holds: boolean, time: number): Decision => ({
      kind: 'decision',
      queryKey: 'emma',
      about,
      holds,
      time,
      tieBreak: 'a',
    });
    await count([decision('muted', false, 3), decision('muted', true, 2), decision('pinned', true, 2)]);
    assert.deepEqual(await store.decisions(), { muted: new Set(), pinned: new Set(['emma']) });
    await count([decision('muted', true, 4), decision('pinned', false, 1)]);
    assert.deepEqual(await store.decisions(), { muted: new Set(['emma']), pinned: new Set(['emma']) });
    await count([{ ...decision('pinned', false, 5), tieBreak: 'x'.repeat(100_000) }]);
    assert.deepEqual(await store.decisions(), { muted: new Set(['emma']), pinned: new Set() });
  });

  test('lists queries that no book answered', async ({ store, count }) => {
    const none = (query: string, reader: string, ago = 0): CountedSearch => ({
      ...searchOf(query, reader, { time: noonMs - ago * hourMs }),
      unanswered: true,
    });
    await count([none('wool', 'ann'), none('wool', 'ann', 1), none('shift', 'ann', 2), none('shift', 'bob', 2)]);
    await count([searchOf('dune', 'ann', { books: [{ id: 1 }] }), none('dust', 'cid', 30)]);
    const found = async (hours: number) =>
      (await store.unanswered(noonHour - hours + 1, noonHour, 10)).map(({ key, readers, searches, lastMs }) => [
        key,
        readers,
        searches,
        lastMs - noonMs,
      ]);
    assert.deepEqual(await found(24), [
      ['shift', 2, 2, -7_200_000],
      ['wool', 1, 2, 0],
    ]);
    assert.equal((await found(168)).length, 3);
    await count([none('ark', 'ann'), none('ark', 'ann', 1)]);
    const [, tied] = await store.unanswered(noonHour - 23, noonHour, 2);
    assert.equal(tied?.key, 'ark', 'of equal ones the least key is the first');
  });

  test('knows the keys of queries', async ({ store, count }) => {
    await count([searchOf('dune', 'ann'), searchOf('emma', 'ann')]);
    const numbers = await Promise.all(['dune', 'emma'].map(store.find));
    const keys = await store.keysOf([...numbers.map(Number), 999_999]);
    assert.deepEqual([...keys.values()].sort(), ['dune', 'emma']);
    assert.deepEqual(await store.keysOf([]), new Map());
  });
}
