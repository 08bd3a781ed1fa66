import { SamsaError } from '../errors.ts';
import type { MysqlAddress } from '../mysql/connection.ts';
import { databaseName } from '../mysql/errors.ts';
import { columnText, rows, type Dialect, type Steps } from '../sql/statements.ts';
import type { DeadLetterQuery, KeptDeadLetter } from './dead-letter-book.ts';
import { countDiscarded, countWaiting } from './dead-letter-rows.ts';
import { readPositions, readPositionsByProjection } from './positions.ts';
import type { PartitionPosition } from './progress.ts';

/** Where a catalogue or the state of a service is kept. Plain data, also for worker threads. */
export type StoreLocation =
  | { readonly kind: 'sqlite'; /** The file. */ readonly path: string }
  | ({ readonly kind: 'mysql' } & MysqlAddress);

/** How the state of a service is opened. */
export type StateOptions = {
  /** Leases in a file are measured with it; a database server has its own clock. */
  readonly clock: () => number;
  /** How long a statement waits for another writer of a file; at most 50 on a thread that answers requests. */
  readonly busyTimeoutMs: number;
  /** True when a checkpoint thread checkpoints the file. */
  readonly checkpointedElsewhere: boolean;
  /** @see MysqlOptions.onProblem */
  readonly onProblem?: (problem: SamsaError | null) => void;
};

/** The location for messages, without its password. */
export function locationName(location: StoreLocation): string {
  if (location.kind === 'sqlite') return location.path;
  return `${databaseName(location)}, tables ${location.tablePrefix ?? ''}*`;
}

/** Reads the state of a service or a search index from outside, without taking part in its work. */
export type StateReader = {
  readonly progress: () => Promise<StateProgress>;
  readonly inside: (projection: string) => Promise<StateInside>;
  readonly deadLetters: (query: DeadLetterQuery) => Promise<readonly KeptDeadLetter[]>;
  readonly close: () => Promise<void>;
};

/** Positions, and how many dead letters wait, both by projection. */
type StateProgress = {
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

type SeenInstance = { readonly instance: string; readonly seenMs: number };

export function* readInstances(projection: string): Steps<readonly SeenInstance[]> {
  const found = yield* rows('SELECT instance, seen_ms FROM state.instance WHERE projection = ?', [projection]);
  return found.map((row) => ({ instance: columnText(row['instance'])!, seenMs: Number(row['seen_ms']) }));
}

/** A table as it must be equal in two states: without what depends on the order of events. */
export type ComparedTable = {
  readonly name: string;
  /** A query of the tables in this schema that gives no row twice. For MySQL its only column is `rowText`. */
  readonly rows: (schema: string) => string;
  readonly values: readonly number[];
};

/**
 * The columns of a row as one text that differs for different rows, and is the same in every database. MySQL's `HEX` of
 * a number is another one than SQLite's, and SQLite's `HEX` of NULL is empty.
 */
export function rowText(dialect: Dialect, ...columns: readonly string[]): string {
  const texts = columns.map((column) => {
    const text = dialect === 'mysql' ? `CONCAT(${column}, '')` : column;
    return `CASE WHEN ${column} IS NULL THEN '-' ELSE HEX(${text}) END`;
  });
  return `CONCAT_WS('|', ${texts.join(', ')}) AS row_text`;
}

export type Difference = { readonly table: string; readonly onlyHere: number; readonly onlyThere: number };

/**
 * Compares a snapshot of a live state, which may change meanwhile, with another state. The database must keep the
 * snapshot while it is open, so close it soon.
 */
export type StateSnapshot = {
  readonly positions: (projection: string) => readonly PartitionPosition[];
  /** Rows that only one of the two has; a changed row counts on both sides. */
  readonly differences: (tables: readonly ComparedTable[]) => Promise<readonly Difference[]>;
  readonly close: () => Promise<void>;
};

/** A state that is rebuilt beside the live one, and replaces it in the end. */
export type StateDraft = {
  /** The live state, for messages. */
  readonly name: string;
  /** Where the new state is made; empty at first. */
  readonly location: StoreLocation;
  readonly isInUse: () => Promise<boolean>;
  /** @throws the database's own error when the live state is missing or damaged. */
  readonly snapshot: () => Promise<StateSnapshot>;
  /**
   * Replaces the live state by the finished draft, which must be closed. After a crash one of the two is there,
   * complete.
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
