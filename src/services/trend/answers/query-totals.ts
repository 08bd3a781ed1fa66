import type { HourCount, QueryTotal, TrendStore } from '../store/trend-store.ts';

type Total = { -readonly [Field in keyof QueryTotal]: QueryTotal[Field] };

/** The totals of the last 24 hours, kept in memory so that a new search costs a list an addition, not a table scan. */
export type RecentTotals = {
  readonly totals: () => Iterable<QueryTotal>;
  readonly size: () => number;
  /**
   * Brings the totals up to date.
   * @returns the queries that were counted since the last time; `'all'` when everything was read anew.
   */
  readonly refresh: (fromHour: number) => Promise<ReadonlySet<number> | 'all'>;
};

export function createRecentTotals(store: Pick<TrendStore, 'totals' | 'countedSince'>): RecentTotals {
  let totals = new Map<number, Total>();
  let loaded: { readonly fromHour: number } | null = null;
  let revision = 0;

  const add = ({ query, key, hour, readers, anonymous, searches }: HourCount, fromHour: number): void => {
    if (hour < fromHour) return;
    let total = totals.get(query);
    if (total === undefined) {
      total = { query, key, readers: 0, anonymous: 0, searches: 0 };
      totals.set(query, total);
    }
    total.readers += readers;
    total.anonymous += anonymous;
    total.searches += searches;
  };

  return {
    totals: () => totals.values(),
    size: () => totals.size,
    refresh: async (fromHour) => {
      const since = loaded?.fromHour === fromHour ? await store.countedSince(revision) : null;
      if (since !== null) {
        revision = since.revision;
        for (const count of since.counts) add(count, fromHour);
        return new Set(since.counts.map(({ query }) => query));
      }
      const read = await store.totals(fromHour);
      totals = new Map(read.totals.map((total) => [total.query, { ...total }]));
      revision = read.revision;
      loaded = { fromHour };
      return 'all';
    },
  };
}
