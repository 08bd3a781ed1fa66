import type { ErrorCode } from '../errors.ts';

/**
 * How far a projection has read, kept in the database of its state so that both are committed together. SQLite and
 * MySQL promise the same.
 */
export interface Progress<Change> {
  /**
   * How many reads of the log one commit may contain while more records are waiting. A commit costs statements on a
   * server, or changed pages in a file; more records hardly add to that. A higher number keeps more records in memory.
   * Where a commit blocks this thread, answers wait longer.
   */
  readonly readsPerCommit: number;

  /**
   * One tick of the lease protocol, in one transaction: renews this instance's partitions, forgets instances that are
   * gone or were not seen for `ttlMs`, gives back what is above the fair share and claims what is free up to it.
   * Partitions seen for the first time start at their first offset. Leases only spread the work; `commit` keeps it
   * right. A lease that was renewed less than a quarter of `ttlMs` ago stays as it is.
   * @returns the partitions this instance may read for three quarters of `ttlMs` from now, or longer.
   * @throws SamsaError `state-too-new`, `state-outdated`, or `store-unavailable` (retryable).
   */
  lease(request: LeaseRequest): Promise<readonly PartitionName[]>;

  /** Gives all leases of an instance back at once. */
  release(projection: string, instance: string): Promise<void>;

  /** Where a leased partition stands and which producers' events were applied last: what reading starts from. */
  load(projection: string, partition: PartitionName): Promise<StartingPoint>;

  /**
   * State, next offset, dead letters and producer marks in one transaction.
   * @returns false when the stored next offset is not `expected` or the partition is not leased to `instance`; then
   *   nothing was changed, and nothing else that was read may be applied.
   * @throws SamsaError `store-unavailable` (retryable) with nothing changed, or with everything changed when the
   *   connection is lost before a server has answered. Then `load` shows which.
   */
  commit(commit: ProgressCommit<Change>): Promise<boolean>;

  /** All partitions of a projection, for the ledger and for freshness. */
  positions(projection: string): Promise<readonly PartitionPosition[]>;
}

export type PartitionName = { readonly topic: string; readonly partition: number };

export type LeaseRequest = {
  readonly projection: string;
  /** Raised when the fold changes; the stored state must have the same version. */
  readonly version: number;
  readonly instance: string;
  readonly ttlMs: number;
  /** Returns true when that instance's process has exited. Default: always false. */
  readonly isGone?: (instance: string) => boolean;
  readonly partitions: readonly (PartitionName & {
    readonly topicId: string;
    readonly start: number;
    readonly end: number;
  })[];
};

/** What became of the records of a partition; with the lag they add up to `end − first`. */
export type Outcomes = {
  readonly applied: number;
  readonly duplicate: number;
  readonly dead: number;
  readonly late: number;
  /** Expired before they were read. */
  readonly gap: number;
  /** Removed by compaction before they were read, or never a record for consumers. */
  readonly compacted: number;
};

export type PartitionPosition = PartitionName & {
  readonly topicId: string;
  /** Where reading began. */
  readonly first: number;
  readonly next: number;
  /** The log's end when an instance last looked: reading it, or asking for leases. */
  readonly end: number;
  /** Arrival stamp of the last record taken, ms since 1970; 0 before the first. */
  readonly arrivedMs: number;
  /** Of the record at `next − 1`; `null` before the first. */
  readonly fingerprint: string | null;
  readonly outcomes: Outcomes;
  /** The instance that reads it now; `null` when none does. */
  readonly instance: string | null;
};

export type StartingPoint = PartitionPosition & {
  /** Last applied sequence by source. */
  readonly marks: ReadonlyMap<string, number>;
  /** Offsets from `next` on that were discarded: they must not be folded. */
  readonly discarded: ReadonlySet<number>;
};

export type ProgressCommit<Change> = PartitionName & {
  readonly projection: string;
  readonly instance: string;
  readonly expected: number;
  readonly next: number;
  readonly end: number;
  readonly arrivedMs: number;
  readonly fingerprint: string | null;
  readonly outcomes: Outcomes;
  /** In log order. */
  readonly changes: readonly Change[];
  readonly deadLetters: readonly DeadLetter[];
  readonly marks: ReadonlyMap<string, number>;
};

/** Why a record could not be folded: the error's code, or `unexpected` for an error that is not ours. */
export type DeadLetterCause = ErrorCode | 'unexpected';

/** A record as it came, and why it could not be folded. */
export type DeadLetter = {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [name: string, value: Uint8Array])[];
  readonly cause: DeadLetterCause;
  readonly reason: string;
};

/** What a state does inside a commit. */
export type ApplyChanges<Change> = (
  changes: readonly Change[],
  /**
   * Every record that arrived before this time has been read (ms since 1970). Rows may be rolled up or pruned only
   * behind it: a record's event time is at most seven days before its arrival.
   */
  watermarkMs: number,
  /**
   * `redriven` changes may be older than anything still to be read. When rows they must be compared with may be gone,
   * the state refuses them by throwing `too-late-to-redrive`.
   */
  occasion: 'read' | 'redriven',
) => void;
