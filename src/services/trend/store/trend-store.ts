import type { ProgressStore } from '../../../progress/dead-letter-book.ts';
import type { Spelling } from './tally.ts';
import type { TrendChange } from '../trend-projection.ts';

/**
 * The counts of searches. `commit` counts its changes in the transaction that moves the position. The counts depend
 * only on the set of searches, never on their order or on the batches in which they came.
 *
 * How long rows are kept, measured from the watermark that `commit` computes: who searched for what, 25 hours; counts
 * by the hour, 8 days and an hour; counts by the day, spellings, leads and latest answers, 30 days; decisions of
 * operators, for ever. A commit removes a few thousand old rows at most. Hours and days are counted from 1970, UTC. A
 * window begins at its first hour and has no end, so that it contains events from clocks a little ahead of ours.
 */
export interface TrendStore extends ProgressStore<TrendChange> {
  /**
   * Passes every count by the hour, from an hour on, to what `begin` returns. After a lost connection it begins again.
   * @returns the revision that these counts are of.
   */
  counts(fromHour: number, begin: () => (count: HourCount) => void): Promise<number>;

  /**
   * What has been counted after a revision. Applied to the counts of that revision, it makes them current.
   * @returns null when that is no longer known: read `counts` again.
   */
  countedSince(revision: number): Promise<CountedSince | null>;

  /**
   * The sums of queries from one hour on and before another. Where hours are no longer kept, whole days are
   * summed, from the first hour's day on. The sums are read in pieces, so that other work runs in
   * between. With more than 50,000 queries, some with few readers may be missing.
   */
  totals(fromHour: number, endHour?: number): Promise<readonly QueryTotal[]>;

  /** Everything an answer says about queries at an hour. Queries that nobody searched for in a month are left out. */
  describe(queries: readonly number[], nowHour: number): Promise<readonly QueryDescription[]>;

  /** The keys of queries, without those that nobody has searched for in a month. */
  keysOf(queries: readonly number[]): Promise<ReadonlyMap<number, string>>;

  /** How many different readers searched for any of these queries since an hour, at most 25 hours ago. */
  distinctReaders(queries: readonly number[], fromHour: number): Promise<number>;

  /** One query's number by its key, or null when nobody has searched for it. */
  find(key: string): Promise<number | null>;

  /** One query's sums by day, from a day on; days without a search are left out. */
  daily(query: number, fromDay: number): Promise<readonly (Counts & { readonly day: number })[]>;

  /** Keys of the queries that operators have muted and pinned. */
  decisions(): Promise<Decisions>;

  /**
   * Queries for which no book had all words, from an hour on: most readers first, then most searches, at most `limit`.
   */
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
  /** For these hours `counts` has totals: they replace what was known, and are not added. */
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
  /** The book that was most often the first of its answers in 30 days; ties by the least id. */
  readonly lead: number | null;
  /** How many different readers searched for it in the last 3 and the last 24 hours. */
  readonly distinctReaders: { readonly '3h': number; readonly '24h': number };
  /** What was counted in the last 48 hours, oldest first; hours without a search are left out. */
  readonly hours: readonly (Counts & {
    readonly hour: number;
    /** The places that readers searched from, as bits. */
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
