import { createLruMap } from '../../../runtime/lru-map.ts';
import type { HourCount, TrendStore } from '../store/trend-store.ts';
import { createHourBucket, createSlots, type HourBucket, type Slots } from './hour-buckets.ts';
import {
  baselineHours,
  burstHours,
  compareAll,
  fewestReaders,
  largeShare,
  lowestScore,
  riseOf,
  type BurstHours,
  type Comparison,
} from './burst.ts';

export type ScoredQuery = { readonly query: number; readonly score: number };

/**
 * The counts of the last eight days in memory: for each query the sums over the windows that lists need. A new count
 * costs a few additions. When an hour ends, the hours that leave a window are subtracted from its sums.
 */
export type RecentCounts = {
  /**
   * Brings the sums up to date.
   * @returns the queries that were counted since the last time; `'all'` when everything was read, or an hour has
   *   passed.
   */
  readonly refresh: (nowHour: number) => Promise<ReadonlySet<number> | 'all'>;
  /** The queries with the greatest sums, greatest first, with these sums; ties at the end by their keys. */
  readonly top: (sum: ListedSum, limit: number) => Promise<readonly ScoredQuery[]>;
  /**
   * Queries that may be rising, with the highest score that each can have, greatest first. With the exact score some
   * turn out not to rise.
   */
  readonly risers: (limit: number) => Promise<readonly ScoredQuery[]>;
  /** @see FirstQueries.of */
  readonly first: FirstQueries['of'];
  readonly sumsOf: (query: number) => Sums;
  readonly sumOf: (query: number, sum: SumName) => number;
  readonly comparison: () => Comparison;
  /** How many different queries readers searched for in the last 24 hours. */
  readonly size: () => number;
};

/**
 * Readers plus unnamed searches. `list…` has every unnamed search; `rise…` and `base` count those of an hour as one.
 */
export type Sums = { readonly [Name in SumName]: number };

const sumNames = ['list3', 'list24', 'list168', 'searches3', 'searches24', 'searches168'] as const;
const burstNames = ['rise3', 'rise6', 'rise12', 'rise24', 'base'] as const;
export type ListedSum = 'list3' | 'list24' | 'list168';
export type SumName = (typeof sumNames)[number] | (typeof burstNames)[number];

const names: readonly SumName[] = [...sumNames, ...burstNames];
const kinds = names.map((name) =>
  name.startsWith('list') ? 'listed' : name.startsWith('searches') ? 'searches' : 'rise',
);
const indexOf = Object.fromEntries(names.map((name, index) => [name, index])) as Readonly<Record<SumName, number>>;
const riseAt = { 3: indexOf.rise3, 6: indexOf.rise6, 12: indexOf.rise12, 24: indexOf.rise24 } as const;
const keptHours = baselineHours + 24;
/** With fewer readers in the baseline, a query is not looked at as one that may change the total of all. */
const largeBaseline = 20;

/** The sums to which an hour belongs, as bits. */
function membership(hour: number, nowHour: number): number {
  const ago = nowHour - hour;
  let bits = 0;
  const add = (...sums: readonly SumName[]): void => {
    for (const sum of sums) bits |= 1 << indexOf[sum];
  };
  if (ago < 3) add('list3', 'searches3', 'rise3');
  if (ago < 6) add('rise6');
  if (ago < 12) add('rise12');
  if (ago < 24) add('list24', 'searches24', 'rise24');
  else if (ago < keptHours) add('base');
  if (ago < 168) add('list168', 'searches168');
  return bits;
}

/**
 * @param countAnonymous true: every search without a reader counts towards a rise. False: all of an hour count as one.
 */
export function createRecentCounts(
  store: Pick<TrendStore, 'counts' | 'countedSince' | 'keysOf'>,
  countAnonymous = false,
): RecentCounts {
  let slots: Slots = createSlots(names.length);
  let buckets = new Map<number, HourBucket>();
  let risers = new Set<number>();
  /** Contains every slot that has a large baseline now, and some that had one. */
  let large = new Set<number>();
  let compared: Comparison | null = null;
  let touched = new Set<number>();
  let now: number | null = null;
  let revision = 0;
  const tops = new Map<ListedSum, { slots: readonly number[]; touched: Set<number> }>();
  const first = createFirstQueries(store);

  /** Adds a bucket to the sums it now belongs to, and subtracts it from those it no longer belongs to. */
  const move = (bucket: HourBucket, before: number, after: number): void => {
    if (before === after) return;
    bucket.each((slot, listed, rise, searches) => {
      for (let index = 0; index < kinds.length; index++) {
        const sign = ((after >> index) & 1) - ((before >> index) & 1);
        if (sign === 0) continue;
        const kind = kinds[index];
        slots.add(slot, index, sign * (kind === 'listed' ? listed : kind === 'searches' ? searches : rise));
      }
      if (slots.get(slot, indexOf.base) >= largeBaseline) large.add(slot);
    });
  };

  const take = ({ query, hour, readers, anonymous, searches }: HourCount, nowHour: number): void => {
    if (hour <= nowHour - keptHours) return;
    let bucket = buckets.get(hour);
    if (bucket === undefined) {
      bucket = createHourBucket((slot) => slots.release(slot));
      buckets.set(hour, bucket);
    }
    const slot = slots.slotOf(query);
    const isFirstUnnamed = anonymous > 0 && bucket.addUnnamed(slot);
    const rise = readers + (countAnonymous ? anonymous : Number(isFirstUnnamed));
    if (bucket.add(slot, readers, readers + anonymous, rise, searches)) slots.use(slot);
    const bits = membership(hour, nowHour);
    for (let index = 0; index < kinds.length; index++) {
      if (((bits >> index) & 1) === 0) continue;
      const kind = kinds[index];
      slots.add(slot, index, kind === 'listed' ? readers + anonymous : kind === 'searches' ? searches : rise);
    }
    if (slots.get(slot, indexOf.rise24) >= fewestReaders) risers.add(slot);
    if (slots.get(slot, indexOf.base) >= largeBaseline) large.add(slot);
    touched.add(slot);
    for (const top of tops.values()) top.touched.add(slot);
  };

  const read = async (nowHour: number): Promise<void> => {
    // Stays null when reading fails halfway, so that everything is read again.
    now = null;
    revision = await store.counts(nowHour - keptHours + 1, () => {
      slots = createSlots(names.length);
      buckets = new Map();
      risers = new Set();
      large = new Set();
      tops.clear();
      first.forget();
      return (count) => take(count, nowHour);
    });
    now = nowHour;
  };

  const passTo = (nowHour: number, before: number): void => {
    for (const [hour, bucket] of buckets) {
      move(bucket, membership(hour, before), membership(hour, nowHour));
      if (hour > nowHour - keptHours) {
        if (hour < nowHour) bucket.close();
        continue;
      }
      bucket.each((slot) => slots.release(slot));
      buckets.delete(hour);
    }
    keepRisers();
    tops.clear();
    first.forget();
    now = nowHour;
  };

  const keepRisers = (): void => {
    risers = new Set([...risers].filter((slot) => slots.get(slot, indexOf.rise24) >= fewestReaders));
    large = new Set([...large].filter((slot) => slots.get(slot, indexOf.base) >= largeBaseline));
  };

  /** Removes an hour from all sums. Its slots stay in use until it has been counted again. */
  const withdraw = (hour: number, nowHour: number): readonly HourBucket[] => {
    const bucket = buckets.get(hour);
    if (bucket === undefined) return [];
    move(bucket, membership(hour, nowHour), 0);
    buckets.delete(hour);
    return [bucket];
  };

  const refresh: RecentCounts['refresh'] = async (nowHour) => {
    touched = new Set();
    compared = null;
    const since = now !== null && nowHour >= now ? await store.countedSince(revision) : null;
    if (since === null) {
      await read(nowHour);
      return 'all';
    }
    const hasPassed = nowHour !== now;
    if (hasPassed) passTo(nowHour, now!);
    revision = since.revision;
    const replaced = since.replacedHours.flatMap((hour) => withdraw(hour, nowHour));
    for (const count of since.counts) take(count, nowHour);
    for (const bucket of replaced) bucket.each((slot) => slots.release(slot));
    if (replaced.length > 0) keepRisers();
    return hasPassed ? 'all' : new Set(Array.from(touched, (slot) => slots.queryAt(slot)));
  };

  /** The named readers of all queries. */
  const namedIn = (sum: SumName): number => {
    let readers = 0;
    for (const [hour, bucket] of buckets) {
      if ((membership(hour, now!) & (1 << indexOf[sum])) !== 0) readers += bucket.named();
    }
    return readers;
  };

  const countsOf = (slot: number) => ({
    countIn: (hours: BurstHours): number => slots.get(slot, riseAt[hours]),
    baseline: slots.get(slot, indexOf.base),
  });

  const compareNow = (): Comparison => {
    const readers = { 3: namedIn('rise3'), 6: namedIn('rise6'), 12: namedIn('rise12'), 24: namedIn('rise24') };
    const inBaseline = namedIn('base');
    const isLarge = (slot: number): boolean =>
      slots.get(slot, indexOf.base) >= inBaseline * largeShare ||
      burstHours.some((hours) => slots.get(slot, riseAt[hours]) >= readers[hours] * largeShare);
    const largest = [...risers.union(large)].filter(isLarge).map(countsOf);
    return compareAll((hours) => readers[hours], inBaseline, risers.size, largest);
  };
  const comparison = (): Comparison => (compared ??= compareNow());

  return {
    refresh,
    comparison,
    top: async (sum, limit) => {
      const index = indexOf[sum];
      const known = tops.get(sum);
      const candidates = known === undefined ? slots.all() : new Set([...known.slots, ...known.touched]);
      const found = greatest(candidates, limit + mostTied, (slot) => slots.get(slot, index), slots.queryAt);
      const scored = found.map((slot) => ({ query: slots.queryAt(slot), score: slots.get(slot, index) }));
      const best = await first.of(scored, limit);
      tops.set(sum, { slots: best.map(({ query }) => slots.slotOf(query)), touched: new Set() });
      return best;
    },
    risers: async (limit) => {
      const others = comparison();
      const rising: ScoredQuery[] = [];
      for (const slot of risers) {
        const { countIn, baseline } = countsOf(slot);
        const { score } = riseOf(countIn, baseline, others);
        if (score >= lowestScore) rising.push({ query: slots.queryAt(slot), score });
      }
      return first.of(rising, limit);
    },
    first: first.of,
    sumOf: (query, sum) => {
      const slot = slots.find(query);
      return slot === undefined ? 0 : slots.get(slot, indexOf[sum]);
    },
    sumsOf: (query) => {
      const slot = slots.find(query);
      return Object.fromEntries(
        names.map((name, index) => [name, slot === undefined ? 0 : slots.get(slot, index)]),
      ) as Sums;
    },
    size: () => {
      let size = 0;
      for (const slot of slots.all()) if (slots.get(slot, indexOf.searches24) > 0) size++;
      return size;
    },
  };
}

type FirstQueries = {
  /**
   * The `limit` queries with the greatest scores, greatest first, ties by number. When more queries share the lowest of
   * these scores than there is room for, their keys decide which are chosen, because the store's numbers depend on the
   * order in which queries came. At most 10,000 such queries are compared.
   */
  readonly of: (queries: readonly ScoredQuery[], limit: number) => Promise<readonly ScoredQuery[]>;
  /** Numbers may now belong to other queries. */
  readonly forget: () => void;
};

const mostTied = 10_000;

function createFirstQueries(store: Pick<TrendStore, 'keysOf'>): FirstQueries {
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
function greatest(
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
