import { columnText, rows, type Steps } from '../sql/statements.ts';
import type { DeadLetterQuery, KeptDeadLetter } from './dead-letter-book.ts';
import { countDiscarded, countWaiting } from './dead-letters.ts';
import { readPositions, readPositionsByProjection } from './positions.ts';
import type { PartitionPosition } from './progress.ts';

/** Reads the state of a service or a search index from outside, without taking part in its work. */
export type StateReader = {
  readonly progress: () => Promise<StateProgress>;
  readonly inside: (projection: string) => Promise<StateInside>;
  readonly deadLetters: (query: DeadLetterQuery) => Promise<readonly KeptDeadLetter[]>;
  readonly close: () => Promise<void>;
};

/** Positions, and how many dead letters wait, both by projection. */
export type StateProgress = {
  readonly positions: ReadonlyMap<string, readonly PartitionPosition[]>;
  readonly deadLetters: ReadonlyMap<string, number>;
};

/** What a state says about one projection, and which others it holds. */
export type StateInside = {
  readonly positions: readonly PartitionPosition[];
  /** By projection. */
  readonly versions: ReadonlyMap<string, number>;
  /** The instances that read into it, or did when they were last seen. */
  readonly instances: readonly string[];
  /** Dead letters that were discarded, of all projections. */
  readonly discarded: number;
};

export function* readProgress(): Steps<StateProgress> {
  return { positions: yield* readPositionsByProjection(), deadLetters: yield* countWaiting() };
}

export function* lookInside(projection: string): Steps<Omit<StateInside, 'instances'>> {
  const versions = yield* rows('SELECT name, version FROM state.projection');
  return {
    positions: yield* readPositions(projection),
    versions: new Map(versions.map(({ name, version }) => [columnText(name)!, Number(version)])),
    discarded: yield* countDiscarded(),
  };
}

export type SeenInstance = { readonly instance: string; readonly seenMs: number };

export function* readInstances(projection: string): Steps<readonly SeenInstance[]> {
  const found = yield* rows('SELECT instance, seen_ms FROM state.instance WHERE projection = ?', [projection]);
  return found.map((row) => ({ instance: columnText(row['instance'])!, seenMs: Number(row['seen_ms']) }));
}
