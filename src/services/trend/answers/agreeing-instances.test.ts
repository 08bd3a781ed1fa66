import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { countIn, noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import { openCountedStore } from '../../../../test/support/open-counted-store.ts';
import { busyWeek, openList } from '../../../../test/support/open-trends.ts';
import type { TrendStore } from '../store/trend-store.ts';
import type { CountedSearch } from '../trend-projection.ts';
import { windows } from './figures.ts';
import type { TrendList } from './trend-list.ts';

const hourMs = 3_600_000;
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

/** As the projection folds it: a search that arrives more than 24 hours late adds no reader. */
function counted({ query, reader, hoursAgo, corrected }: Search, nowMs: number): CountedSearch {
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

describe('three instances over one database', () => {
  it('agree on every list at every time, and with one that counted all of it in another order', async (test) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        let nowMs = noonMs;
        const openLists = (stores: readonly TrendStore[]): readonly TrendList[] =>
          stores.map((store) => openList(store, () => nowMs));
        const shared = await openCountedStore(test);
        const stores = [shared.store, shared.another(), shared.another()];
        const count = await countIn(...stores);
        const lists = openLists(stores);
        const history: { readonly changes: readonly CountedSearch[]; readonly arrivedMs: number }[] = [
          { changes: busyWeek(), arrivedMs: noonMs },
        ];
        await count[0]!(busyWeek());
        for (const { instance, searches, hours } of steps) {
          const changes = searches.map((one) => counted(one, nowMs));
          history.push({ changes, arrivedMs: nowMs });
          await count[instance]!(changes, { arrivedMs: nowMs });
          nowMs += hours * hourMs;
          const [first, ...rest] = await Promise.all([...lists, ...openLists([shared.another()])].map(answersOf));
          for (const answer of rest) assert.equal(answer, first);
        }
        const alone = await openCountedStore(test);
        const all = history.flatMap(({ changes }) => changes).toReversed();
        await alone.count(all, { arrivedMs: history.at(-1)!.arrivedMs });
        assert.equal(await answersOf(openLists([alone.store])[0]!), await answersOf(lists[0]!));
      }),
      { numRuns: 12 },
    );
  });
});
