import { createLruMap } from '../../../runtime/lru-map.ts';
import type { TrendStore } from '../store/trend-store.ts';

export type ScoredQuery = { readonly query: number; readonly score: number };

/**
 * Chooses the first `limit` of some queries, given in order of their scores, and keeps their order. When several have
 * the score of the last place, their keys decide, because the store's numbers depend on the order in which queries came.
 * At most 10,000 such queries are compared.
 */
export type FirstQueries = {
  readonly of: (queries: readonly ScoredQuery[], limit: number) => Promise<readonly ScoredQuery[]>;
  /** Numbers may now belong to other queries. */
  readonly forget: () => void;
};

export const mostTied = 10_000;

export function createFirstQueries(store: Pick<TrendStore, 'keysOf'>): FirstQueries {
  const keys = createLruMap<number, string>(mostTied);
  const keysOf = async (queries: readonly number[]): Promise<ReadonlyMap<number, string>> => {
    const missing = queries.filter((query) => keys.get(query) === undefined);
    const found = missing.length === 0 ? new Map<number, string>() : await store.keysOf(missing);
    const all = new Map(queries.map((query) => [query, found.get(query) ?? keys.get(query) ?? '']));
    for (const [query, key] of found) keys.set(query, key);
    return all;
  };
  return {
    of: async (queries, limit) => {
      if (queries.length <= limit) return queries;
      const { score: last } = queries[limit - 1]!;
      if (queries[limit]!.score < last) return queries.slice(0, limit);
      const above = queries.filter(({ score }) => score > last);
      const tied = queries.filter(({ score }) => score === last).slice(0, mostTied);
      const known = await keysOf(tied.map(({ query }) => query));
      const keyOf = ({ query }: ScoredQuery): string => known.get(query)!;
      const byKey = tied.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
      const chosen = new Set(byKey.slice(0, limit - above.length));
      return [...above, ...tied.filter((query) => chosen.has(query))];
    },
    forget: keys.clear,
  };
}
