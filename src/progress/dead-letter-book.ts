import type { DeadLetter, DeadLetterCause, PartitionName, Progress } from './progress.ts';

/**
 * The records that could not be folded, kept beside the state so that deciding about one also changes the state. No age
 * removes them: they stay with the state, decided or not, even when their topic no longer has them.
 */
export interface DeadLetterBook<Change> {
  /** Dead letters that match all filters, in the order they were kept, at most `limit`. */
  deadLetters(query: DeadLetterQuery): Promise<readonly KeptDeadLetter[]>;

  /**
   * Decides about one waiting dead letter, in one transaction with what it changes and with the ledger: a redriven one
   * leaves `dead` and is counted as applied or late, a discarded one stays dead. Needs no lease; others may commit
   * meanwhile.
   * @returns false when it is not waiting; then nothing was changed.
   * @throws SamsaError `state-too-new`, `state-outdated` when the state has another version, whether the letter waits
   *   or not; `too-late-to-redrive` when the state has forgotten what the change must be compared with;
   *   `store-unavailable` (retryable). Nothing was changed then.
   */
  settle(settlement: Settlement<Change>): Promise<boolean>;

  /**
   * Keeps letters as discarded before they are read, for a state that is rebuilt. `load` lists them, and reading
   * counts them as dead.
   */
  adoptDiscarded(letters: readonly AdoptedDeadLetter[]): Promise<void>;
}

/** What the database of a state offers: both are written in its transactions. */
export type ProgressStore<Change> = Progress<Change> & DeadLetterBook<Change>;

/** Only a waiting one can be redriven or discarded. */
export type DeadLetterStatus = 'waiting' | 'redriven' | 'discarded';

export type AdoptedDeadLetter = PartitionName & DeadLetter & { readonly projection: string };

export type KeptDeadLetter = AdoptedDeadLetter & {
  /** The store's own number, for `after`; it means nothing elsewhere. */
  readonly number: number;
  readonly status: DeadLetterStatus;
};

export type DeadLetterQuery = {
  readonly projection?: string;
  readonly status?: DeadLetterStatus;
  readonly at?: PartitionName & { readonly offset: number };
  readonly cause?: string;
  /** What the reason must contain. */
  readonly reason?: string;
  /** Arrival of the record, ms since 1970; both ends are included. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Only those kept after this number. */
  readonly after?: number;
  readonly limit: number;
};

export type Settlement<Change> = PartitionName & {
  readonly projection: string;
  /** Of the projection that folded it again. */
  readonly version: number;
  readonly offset: number;
  readonly become:
    | { readonly status: 'redriven'; readonly change: Change | 'late' }
    | { readonly status: 'discarded' }
    /** It failed again. */
    | { readonly status: 'waiting'; readonly cause: DeadLetterCause; readonly reason: string };
};
