import type { ProgressStore } from '../../../progress/dead-letter-book.ts';
import type { CountedSearch } from '../trend-projection.ts';

/**
 * Where searches are counted. `commit` counts its changes in the transaction that moves the position; what is counted
 * depends on the set of searches alone, never on the order or the batches in which they came.
 *
 * Kept, measured from the watermark `commit` computes: who searched what 25 hours, counts by the hour 8 days and an
 * hour, counts by the day, spellings and latest answers 30 days. Old rows go a few thousand per commit.
 * Hours and days are whole ones since 1970, UTC. A window begins at its first hour and has no end, so that an event
 * stamped by a clock a little ahead of ours is in it.
 */
export interface TrendStore extends ProgressStore<CountedSearch> {
  /**
   * The sums of every query searched in a window. What is kept by the day is in them when its day is the first hour's or
   * later: windows of up to seven days are exact to the hour.
   */
  totals(fromHour: number): Promise<WindowTotals>;

  /**
   * What has been counted after a revision, by query and hour; adding it to totals of that revision keeps them current.
   * @returns null when that is not known (another instance has counted too, or it is long ago): read `totals` anew.
   */
  countedSince(revision: number): Promise<{ readonly revision: number; readonly counts: readonly HourCount[] } | null>;

  /** What an answer says about queries over the 24 hours from one on; one not searched for in a month is left out. */
  describe(queries: readonly number[], fromHour: number): Promise<readonly QueryDescription[]>;

  /** One query's number by its key, or null when nobody has searched for it. */
  find(key: string): Promise<number | null>;

  /** One query's sums by day, from a day on; days without a search are left out. */
  daily(query: number, fromDay: number): Promise<readonly (Counts & { readonly day: number })[]>;

  close(): Promise<void>;
}

export type Counts = {
  /** Distinct readers per hour, summed over the hours. */
  readonly readers: number;
  /** Searches by nobody in particular. */
  readonly anonymous: number;
  /** All searches. */
  readonly searches: number;
};

/** `query` is the store's number for a query; it means nothing elsewhere. */
export type QueryTotal = Counts & { readonly query: number; readonly key: string };
export type HourCount = QueryTotal & { readonly hour: number };
export type WindowTotals = { readonly revision: number; readonly totals: readonly QueryTotal[] };

export type QueryDescription = {
  readonly query: number;
  readonly key: string;
  /** The commonest spelling; among equals the first in code point order. */
  readonly label: string;
  /** The spelling its latest answer used instead. */
  readonly corrected: string | null;
  /** The books of its latest answer, as JSON. */
  readonly books: string;
  /** How many different readers searched for it in those hours. */
  readonly distinctReaders: number;
  /** What was counted in each of those hours, oldest first; hours without a search are left out. */
  readonly hours: readonly (Counts & { readonly hour: number })[];
};
