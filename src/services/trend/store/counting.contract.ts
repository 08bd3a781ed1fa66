import assert from 'node:assert/strict';
import { noonHour, noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import { dayMs, hourMs } from '../../../runtime/time.ts';
import { describeOne, everything, searches, sumsOf, type TrendStoreTest } from './trend-store-under-test.contract.ts';

const today = Math.floor(noonHour / 24);

/** What is counted, and how it is summed. */
export function testCounting(test: TrendStoreTest): void {
  test('counts a reader once per query and hour, in one commit or several', async ({ store, count }) => {
    await count(searches('emma', ['ann', 'ann', 'bob']));
    await count(searches('emma', ['bob', 'cid']));
    await count([searchOf('emma', 'ann', { time: noonMs + hourMs }), searchOf('dracula', 'ann')]);
    assert.deepEqual(await sumsOf(store), [
      ['dracula', 1, 0, 1],
      ['emma', 4, 0, 6],
    ]);
    const emma = await describeOne(store, 'emma');
    assert.equal(emma?.distinctReaders, 3);
    assert.deepEqual(emma.hours, [
      { hour: noonHour, readers: 3, anonymous: 0, searches: 5 },
      { hour: noonHour + 1, readers: 1, anonymous: 0, searches: 1 },
    ]);
  });

  test('counts searches without a reader, and those that add no reader', async ({ store, count }) => {
    await count([searchOf('emma', null, { anonymous: true }), searchOf('emma', null)]);
    await count([searchOf('emma', null, { anonymous: true })]);
    assert.deepEqual(await sumsOf(store), [['emma', 0, 2, 3]]);
  });

  test('sums a window from its first hour on', async ({ store, count }) => {
    await count([-2, -1, 0].map((ago) => searchOf('emma', 'ann', { time: noonMs + ago * hourMs })));
    assert.deepEqual(await sumsOf(store, noonHour - 1), [['emma', 2, 0, 2]]);
    assert.deepEqual(await sumsOf(store, noonHour + 1), []);
  });

  test('sums by day, leaving out days without a search', async ({ store, count }) => {
    await count([2, 2, 0].map((ago) => searchOf('emma', 'ann', { time: noonMs - ago * dayMs })));
    const emma = (await store.find('emma'))!;
    assert.deepEqual(await store.daily(emma, today - 29), [
      { day: today - 2, readers: 1, anonymous: 0, searches: 2 },
      { day: today, readers: 1, anonymous: 0, searches: 1 },
    ]);
    assert.deepEqual(
      (await store.daily(emma, today - 1)).map(({ day }) => day),
      [today],
    );
  });

  test('knows nothing of a query nobody searched for', async ({ store, count }) => {
    await count(searches('emma', ['ann']));
    assert.equal(await store.find('dracula'), null);
    assert.deepEqual(await store.describe([4_711], noonHour - 23), []);
    assert.deepEqual(await store.daily(4_711, 0), []);
  });

  test('leaves nothing behind when a commit fails, and counts right afterwards', async ({ store, count }) => {
    const impossible = { ...searchOf('emma', 'bob'), hour: Number.NaN };
    const revision = await store.counts(everything, () => () => {});
    await assert.rejects(count([...searches('emma', ['ann']), impossible]));
    assert.deepEqual(await sumsOf(store), []);
    assert.equal(await store.find('emma'), null);
    assert.deepEqual((await store.countedSince(revision))?.counts ?? [], []);
    await count(searches('dracula', ['bob']));
    await count(searches('emma', ['ann', 'bob']));
    assert.deepEqual(await sumsOf(store), [
      ['dracula', 1, 0, 1],
      ['emma', 2, 0, 2],
    ]);
  });
}
