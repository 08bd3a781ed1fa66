import { createLruMap } from '../../../runtime/lru-map.ts';
import type { TrendStore } from '../store/trend-store.ts';

export type ScoredQuery = { readonly query: number; readonly score: number };

export type FirstQueries = {
  /**
   * The `limit` queries with the greatest scores, greatest first, ties by number. When several have the score of the
   * last place, their keys decide which are chosen, because the store's numbers depend on the order in which queries
   * came. At most 10,000 such queries are compared.
   */
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
    of: async (unsorted, limit) => {
      const queries = unsorted.toSorted((one, other) => other.score - one.score || one.query - other.query);
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

/** The first `limit` by score, then by query, in one pass. Those without a score are left out. */
export function greatest(
  candidates: Iterable<number>,
  limit: number,
  scoreOf: (slot: number) => number,
  queryAt: (slot: number) => number,
): readonly number[] {
  const kept: number[] = [];
  let least = 0;
  const compare = (one: number, other: number): number =>
    scoreOf(other) - scoreOf(one) || queryAt(one) - queryAt(other);
  for (const slot of candidates) {
    if (scoreOf(slot) <= least) continue;
    kept.push(slot);
    if (kept.length < limit * 2) continue;
    kept.sort(compare).length = limit;
    least = scoreOf(kept.at(-1)!) - 1;
  }
  kept.sort(compare).length = Math.min(kept.length, limit);
  return kept;
}
