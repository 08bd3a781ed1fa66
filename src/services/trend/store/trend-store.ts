import type { ProgressStore } from '../../../progress/dead-letter-book.ts';
import type { Spelling } from './tally.ts';
import type { TrendChange } from '../trend-projection.ts';

/**
 * Where searches are counted. `commit` counts its changes in the transaction that moves the position; what is counted
 * depends on the set of searches alone, never on the order or the batches in which they came.
 *
 * Kept, measured from the watermark that `commit` computes: who searched what 25 hours, counts by the hour 8 days and an
 * hour, counts by the day, spellings, leads and latest answers 30 days, decisions of operators for ever. Old rows go a
 * few thousand per commit. Hours and days are whole ones since 1970, UTC. A window begins at its first hour and has no
 * end, so that it contains an event stamped by a clock a little ahead of ours.
 */
export interface TrendStore extends ProgressStore<TrendChange> {
  /**
   * Gives every count by the hour, from an hour on, in one pass.
   * @returns the revision that these counts are of.
   */
  counts(fromHour: number, take: (count: HourCount) => void): Promise<number>;

  /**
   * What has been counted after a revision: applied to the counts of that revision, it keeps them current.
   * @returns null when that is not known any more: read `counts` again.
   */
  countedSince(revision: number): Promise<CountedSince | null>;

  /**
   * The sums of queries from one hour on and before another, which may lie further back than counts are kept by the hour.
   * A day is in them when it is the first hour's or later. Read in pieces, so that others run in between; of more than
   * 50,000 queries, those that had few readers when they were met may be missing.
   */
  totals(fromHour: number, endHour?: number): Promise<readonly QueryTotal[]>;

  /** What an answer says about queries at an hour. A query that was not searched for in a month is left out. */
  describe(queries: readonly number[], nowHour: number): Promise<readonly QueryDescription[]>;

  /** How many different readers searched for any of these queries, from an hour on; at most 25 hours back. */
  distinctReaders(queries: readonly number[], fromHour: number): Promise<number>;

  /** One query's number by its key, or null when nobody has searched for it. */
  find(key: string): Promise<number | null>;

  /** One query's sums by day, from a day on; days without a search are left out. */
  daily(query: number, fromDay: number): Promise<readonly (Counts & { readonly day: number })[]>;

  /** Keys of the queries that operators have muted and pinned. */
  decisions(): Promise<Decisions>;

  /** Queries that no book answered, from an hour on: most readers first, then most searches, at most `limit`. */
  unanswered(fromHour: number, nowHour: number, limit: number): Promise<readonly UnansweredQuery[]>;

  /** Calls `listener` after each commit of this process that counted something. @returns how to stop that. */
  onCounted(listener: () => void): () => void;

  close(): Promise<void>;
}

export type Counts = {
  /** Distinct readers per hour, summed over the hours. */
  readonly readers: number;
  /** Searches without the name of a reader. */
  readonly anonymous: number;
  /** All searches. */
  readonly searches: number;
};

/** `query` is the store's number for a query; it means nothing elsewhere. */
export type QueryTotal = Counts & { readonly query: number };
export type HourCount = QueryTotal & { readonly hour: number };

export type CountedSince = {
  readonly revision: number;
  /** By query and hour: to be added, except in the hours below. */
  readonly counts: readonly HourCount[];
  /** Hours whose counts are here as they are now, in place of all that was known of them. */
  readonly replacedHours: readonly number[];
};

export type Decisions = { readonly muted: ReadonlySet<string>; readonly pinned: ReadonlySet<string> };

export type QueryDescription = {
  readonly query: number;
  readonly key: string;
  /** The spellings of 30 days that differ from the key, and the readers of all spellings, each once an hour. */
  readonly spellings: readonly Spelling[];
  readonly spellingReaders: number;
  /** The spelling its latest answer used instead. */
  readonly corrected: string | null;
  /** The books of its latest answer, as JSON. */
  readonly books: string;
  /** The book that was most often the first of its answer in 30 days; among equals the one with the least id. */
  readonly lead: number | null;
  /** How many different readers searched for it in the last 3 and the last 24 hours. */
  readonly distinctReaders: { readonly '3h': number; readonly '24h': number };
  /** What was counted in the last 48 hours, oldest first; hours without a search are left out. */
  readonly hours: readonly (Counts & {
    readonly hour: number;
    /** Bits of the places that readers searched from. */
    readonly places: number;
  })[];
};

export type UnansweredQuery = {
  readonly key: string;
  /** Each reader once an hour; in a window of up to 24 hours, once. */
  readonly readers: number;
  readonly searches: number;
  readonly lastMs: number;
  /** Of its latest answer with books, if it has one. */
  readonly corrected: string | null;
  readonly books: string | null;
};
