import type { StoredRecord } from '../events/record.ts';

/**
 * How events become state: a name, a version, and for each topic one pure function from a record to a change. The
 * state must be a function of the *set* of changes (maximum, sum, set insert, or last writer by event time, source
 * and sequence), never of their order, so that replay, redrive and other partition counts end in the same state.
 */
export type Projection<Change> = {
  /** Positions are stored under this name: renaming re-reads the log. */
  readonly name: string;
  /** Raise it when a fold changes: an embedded state of another version is rebuilt, in a database it is refused. */
  readonly version: number;
  readonly reads: readonly ProjectionInput<Change>[];
};

export type ProjectionInput<Change> = {
  readonly topic: string;
  /** Whether offsets may be missing because only the last record of a key is kept. */
  readonly compacted: boolean;
  /** Repeats are dropped by the producer's sequence here, or by the change's own version where it is applied. */
  readonly repeats: 'dropped-by-sequence' | 'applied-by-version';
  /**
   * Pure. `'late'` leaves the record out and counts it as late.
   * @throws SamsaError `bad-event` sends the record to the dead letters.
   */
  readonly fold: (record: StoredRecord) => Change | 'late';
};
