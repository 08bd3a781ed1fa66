import assert from 'node:assert/strict';
import { countIn, noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import type { CountedSearch } from '../trend-projection.ts';
import type { TrendStore } from './trend-store.ts';
import { describeOne, type TrendStoreTest } from './trend-store-under-test.contract.ts';

const dayMs = 86_400_000;

/** Which answer and which spelling stand for a query. */
export function testAnswers(test: TrendStoreTest): void {
  const answer = async (store: TrendStore) => {
    const { books, corrected } = (await describeOne(store, 'emma'))!;
    return [books, corrected];
  };

  test('keeps the latest answer, whichever comes last', async ({ store, count }) => {
    await count([searchOf('emma', 'ann', { books: ['at noon'], corrected: 'emma' })]);
    await count([searchOf('emma', 'bob', { books: ['before'], time: noonMs - 1 })]);
    assert.deepEqual(await answer(store), ['["at noon"]', 'emma']);
    await count([searchOf('emma', 'cid', { books: ['after'], time: noonMs + 1 })]);
    assert.deepEqual(await answer(store), ['["after"]', null]);
  });

  test('keeps the greatest of several answers of one moment', async ({ store, another }) => {
    const [one, other] = await countIn(store, await another());
    await one!([searchOf('emma', 'ann', { books: ['b'] }), searchOf('emma', 'ann', { books: ['a'] })]);
    await other!([searchOf('emma', 'ann', { books: ['c'] })]);
    await one!([searchOf('emma', 'ann', { books: ['b'] })]);
    assert.deepEqual(await answer(store), ['["c"]', null]);
    await one!([searchOf('emma', 'ann', { books: ['c'], corrected: 'emma' })]);
    await other!([searchOf('emma', 'ann', { books: ['c'] })]);
    assert.deepEqual(await answer(store), ['["c"]', 'emma']);
  });

  test('labels a query as it was most spelt in thirty days, among equals by code point', async ({ store, count }) => {
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

  test('labels a query as its key where most spell it so', async ({ store, count }) => {
    const spelt = (label: string): CountedSearch => ({ ...searchOf('emma', 'ann'), label });
    for (const [label, expected] of [
      ['emma', 'emma'],
      ['Emma', 'Emma'],
      ['emma', 'emma'],
      ['EMMA', 'emma'],
      ['EMMA', 'EMMA'],
    ] as const) {
      await count([spelt(label)]);
      assert.equal((await describeOne(store, 'emma'))?.label, expected);
    }
  });
}
