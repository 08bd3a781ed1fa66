import { SamsaError } from '../../errors.ts';
import type { PartitionPosition } from '../progress.ts';
import type { StoreLocation } from '../store-location.ts';

/** A table of a state as both should have it, without what depends on the order in which events came. */
export type ComparedTable = {
  readonly name: string;
  /** A query whose rows are all different, reading from this schema; for MySQL it gives `rowText` alone. */
  readonly rows: (schema: string) => string;
  readonly values: readonly number[];
};

export type Difference = { readonly table: string; readonly onlyHere: number; readonly onlyThere: number };

/**
 * One moment of a state, which others may go on writing to, beside another state as it is when it is compared. What a
 * database keeps for the first moment only grows until `close`.
 */
export type StateSnapshot = {
  readonly positions: (projection: string) => readonly PartitionPosition[];
  /** Rows that only one of both has; a changed row counts on both sides. */
  readonly differences: (tables: readonly ComparedTable[]) => Promise<readonly Difference[]>;
  readonly close: () => Promise<void>;
};

/** Where a state is built anew, beside the live one whose place it takes. */
export type RebuildPlace = {
  /** The live state, for messages. */
  readonly name: string;
  /** Where the new state is to be made; nothing is there. */
  readonly draft: StoreLocation;
  readonly isInUse: () => Promise<boolean>;
  /** @throws the database's own error when the live state is none, or damaged. */
  readonly snapshot: () => Promise<StateSnapshot>;
  /**
   * Puts the finished draft, which nobody has open any more, in the place of the live state. A crash leaves either the
   * one or the other in its place, whole.
   * @param mayReplace is told how many dead letters are discarded in the live state, and throws to leave all as it was.
   * @returns what the live state is kept as; null when there was none.
   * @throws SamsaError `already-running` when somebody uses the live state, and what the database throws.
   */
  readonly replace: (mayReplace: (discarded: number) => void) => Promise<string | null>;
  /** Removes the draft, if it is still there. */
  readonly close: () => Promise<void>;
};

/** What is said when a state is asked for that is being built anew already. */
export function rebuiltAlready(name: string): SamsaError {
  return new SamsaError(
    'already-running',
    `${name}: expected nobody else to rebuild it, but somebody does: wait for that, or stop it`,
  );
}
