import type { SamsaError } from '../errors.ts';
import { databaseName, type MysqlAddress } from '../mysql/connection.ts';

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

/** The place for messages, without its password. */
export function placeName(location: StoreLocation): string {
  if (location.kind === 'sqlite') return location.path;
  return `${databaseName(location)}, tables ${location.tablePrefix ?? ''}*`;
}
