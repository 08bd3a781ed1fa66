import { SamsaError } from '../../errors.ts';
import type { PartitionPosition } from '../progress.ts';
import type { StoreLocation } from '../store-location.ts';

/** A table as two states should have it, without what depends on the order in which events came. */
export type ComparedTable = {
  readonly name: string;
  /** A query whose rows are all different, reading from this schema; for MySQL it gives `rowText` alone. */
  readonly rows: (schema: string) => string;
  readonly values: readonly number[];
};

export type Difference = { readonly table: string; readonly onlyHere: number; readonly onlyThere: number };

/**
 * Compares one moment of a live state, which may go on changing, with another state. A database keeps that moment for
 * as long as the snapshot is open, so close it soon.
 */
export type StateSnapshot = {
  readonly positions: (projection: string) => readonly PartitionPosition[];
  /** Rows that only one of the two has; a changed row counts on both sides. */
  readonly differences: (tables: readonly ComparedTable[]) => Promise<readonly Difference[]>;
  readonly close: () => Promise<void>;
};

/** Where a state is rebuilt: a draft beside the live state, which it replaces in the end. */
export type RebuildPlace = {
  /** The live state, for messages. */
  readonly name: string;
  /** Where the new state is made; empty. */
  readonly draft: StoreLocation;
  readonly isInUse: () => Promise<boolean>;
  /** @throws the database's own error when the live state is missing or damaged. */
  readonly snapshot: () => Promise<StateSnapshot>;
  /**
   * Puts the finished draft, which must be closed, in the place of the live state. A crash leaves one of the two there,
   * whole.
   * @param mayReplace gets the number of discarded dead letters in the live state; throws to leave everything as it is.
   * @returns what the live state is kept as; null when there was none.
   * @throws SamsaError `already-running` when the live state is in use, and what the database throws.
   */
  readonly replace: (mayReplace: (discarded: number) => void) => Promise<string | null>;
  /** Removes the draft, if it is still there. */
  readonly close: () => Promise<void>;
};

/** For a state that another process is rebuilding. */
export function rebuiltAlready(name: string): SamsaError {
  return new SamsaError(
    'already-running',
    `${name}: expected no other rebuild of it, but one is running: wait for that one, or stop it`,
  );
}
