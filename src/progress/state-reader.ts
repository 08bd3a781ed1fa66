import type { DeadLetterQuery, KeptDeadLetter, PartitionPosition } from './progress.ts';

/** The state of a service, or of a search index, for people who look at a shop from outside; it joins in nothing. */
export type StateReader = {
  /** Positions, and how many dead letters wait, both by projection. */
  readonly progress: () => Promise<{
    readonly positions: ReadonlyMap<string, readonly PartitionPosition[]>;
    readonly deadLetters: ReadonlyMap<string, number>;
  }>;
  readonly inside: (projection: string) => Promise<StateInside>;
  readonly deadLetters: (query: DeadLetterQuery) => Promise<readonly KeptDeadLetter[]>;
  readonly close: () => Promise<void>;
};

/** What a state says about one projection, and which others it holds. */
export type StateInside = {
  readonly positions: readonly PartitionPosition[];
  /** By projection. */
  readonly versions: ReadonlyMap<string, number>;
  /** Who reads into it, or did when it was last seen. */
  readonly instances: readonly string[];
  /** Dead letters that were discarded, of all projections. */
  readonly discarded: number;
};
