import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { countIn, noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import { busyWeek, openList } from '../../../../test/support/open-trends.ts';
import { hourMs } from '../../../runtime/time.ts';
import { windows } from '../hours.ts';
import type { TrendList } from '../answers/trend-list.ts';
import type { CountedSearch } from '../trend-projection.ts';
import type { TrendStore } from './trend-store.ts';
import type { TrendStoreUnderTest } from './trend-store-under-test.contract.ts';

const instances = [0, 1, 2] as const;
const dune = { id: 1, title: 'Dune', author: 'Frank Herbert' };
const others = [{ id: 2, title: 'Emma', author: 'Jane Austen' }, dune];

const search = fc.record({
  query: fc.constantFrom('dune', 'herbert', 'emma', 'steady 1', 'jon smith'),
  reader: fc.oneof(fc.constant(null), fc.nat(19)),
  hoursAgo: fc.constantFrom(0, 0, 0, 1, 5, 24, 30, 167),
  corrected: fc.constantFrom(null, null, 'emma'),
});
const step = fc.record({
  instance: fc.constantFrom(...instances),
  searches: fc.array(search, { minLength: 1, maxLength: 12 }),
  hours: fc.constantFrom(0, 0, 0, 1, 2, 24, 200),
});

type Search = typeof search extends fc.Arbitrary<infer Value> ? Value : never;
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** As the projection folds it: a search that arrives more than 24 hours late adds no reader. */
function foldedSearch({ query, reader, hoursAgo, corrected }: Search, nowMs: number): CountedSearch {
  const counts = hoursAgo <= 24;
  return searchOf(query, reader === null || !counts ? null : `reader ${reader}`, {
    time: nowMs - hoursAgo * hourMs,
    books: query === 'emma' ? others : query.startsWith('steady') ? [{ id: 9, title: query, author: 'A' }] : [dune],
    anonymous: reader === null && counts,
    ...(corrected !== null && query === 'jon smith' && { corrected }),
  });
}

/** Every list that is shown. */
async function answersOf(list: TrendList): Promise<string> {
  const lists = [];
  for (const window of [null, ...windows]) lists.push(await list.list(100, window, true));
  return JSON.stringify(lists);
}

/** What three instances over one database answer. @param numRuns how many random histories are tried. */
export function testAgreement(open: () => Promise<TrendStoreUnderTest>, numRuns: number): void {
  it('has the same lists on three instances at all times, and on one that counted everything in another order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const [shared, alone] = [await open(), await open()];
        try {
          await agree(shared, alone.store, steps);
        } finally {
          await shared.close();
          await alone.close();
        }
      }),
      { numRuns },
    );
  });
}

async function agree(shared: TrendStoreUnderTest, alone: TrendStore, steps: readonly Step[]): Promise<void> {
  let nowMs = noonMs;
  const openLists = (stores: readonly TrendStore[]): readonly TrendList[] =>
    stores.map((store) => openList(store, () => nowMs));
  const stores = [shared.store, await shared.another(), await shared.another()];
  const count = await countIn(...stores);
  const lists = openLists(stores);
  const fresh = await shared.another();
  const counted = [...busyWeek()];
  let arrivedMs = noonMs;
  await count[0]!(busyWeek());
  for (const { instance, searches, hours } of steps) {
    arrivedMs = nowMs;
    const changes = searches.map((one) => foldedSearch(one, nowMs));
    counted.push(...changes);
    await count[instance]!(changes, { arrivedMs });
    nowMs += hours * hourMs;
    const [first, ...rest] = await Promise.all([...lists, ...openLists([fresh])].map(answersOf));
    for (const answer of rest) assert.equal(answer, first);
  }
  const [countAlone] = await countIn(alone);
  await countAlone!(counted.toReversed(), { arrivedMs });
  assert.equal(await answersOf(openLists([alone])[0]!), await answersOf(lists[0]!));
}
