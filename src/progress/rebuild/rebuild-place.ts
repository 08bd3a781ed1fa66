import { SamsaError } from '../../errors.ts';
import type { StateSnapshot } from '../sqlite/compare-states.ts';
import type { StoreLocation } from '../store-location.ts';

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
