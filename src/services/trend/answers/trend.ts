import type { Counts, QueryTotal } from '../store/trend-store.ts';

/** The windows of the most-read lists, shortest first. */
export const windows = ['24h', '7d', '30d'] as const;
export type Window = (typeof windows)[number];

/** What decides a query's place: see `compareRanks`. */
export type Rank = { readonly score: number; readonly searches: number; readonly key: string };

export const hoursShown = 24;
export const daysShown = 30;

const hourMs = 3_600_000;

/** Whole hours since 1970, UTC. */
export function hourOfTime(timeMs: number): number {
  return Math.floor(timeMs / hourMs);
}

export function dayOfHour(hour: number): number {
  return Math.floor(hour / 24);
}

/** The first hour of a window that ends now: 24 and 168 hours with the current one, 30 days with today. */
export function windowStart(window: Window, nowHour: number): number {
  if (window === '24h') return nowHour - 23;
  if (window === '7d') return nowHour - 167;
  return (dayOfHour(nowHour) - (daysShown - 1)) * 24;
}

/** Higher score first, then more searches, then the key in code unit order: total, so that lists never flicker. */
export function compareRanks(one: Rank, other: Rank): number {
  if (one.score !== other.score) return other.score - one.score;
  if (one.searches !== other.searches) return other.searches - one.searches;
  if (one.key === other.key) return 0;
  return one.key < other.key ? -1 : 1;
}

/**
 * The place a query can have at best. A reader who came back in another hour is counted in both, so the sum of hourly
 * readers is never less than the number of different readers.
 */
export function bestRank({ key, readers, anonymous, searches }: QueryTotal): Rank {
  return { key, score: readers + anonymous, searches };
}

/** The first `count` in rank order, in one pass over any number of totals. */
export function firstRanked(
  totals: Iterable<QueryTotal>,
  count: number,
): readonly (Rank & { readonly query: number })[] {
  const kept: (Rank & { readonly query: number })[] = [];
  let last: Rank | null = null;
  const cut = (): void => {
    kept.sort(compareRanks);
    kept.length = Math.min(kept.length, count);
    last = kept.length === count ? (kept.at(-1) ?? null) : null;
  };
  for (const total of totals) {
    if (last !== null && compareTotal(total, last) > 0) continue;
    kept.push({ ...bestRank(total), query: total.query });
    if (kept.length >= count * 2) cut();
  }
  cut();
  return kept;
}

function compareTotal(total: QueryTotal, rank: Rank): number {
  const score = total.readers + total.anonymous;
  return score === rank.score ? compareRanks(bestRank(total), rank) : rank.score - score;
}

/** Readers and unnamed searches per hour or day, oldest first; what is stamped ahead of now counts into the last one. */
export function series<At extends Counts>(
  rows: readonly At[],
  indexOf: (row: At) => number,
  length: number,
): readonly number[] {
  const values = Array.from({ length }, () => 0);
  for (const row of rows) {
    const index = Math.min(indexOf(row), length - 1);
    if (index >= 0) values[index]! += row.readers + row.anonymous;
  }
  return values;
}
