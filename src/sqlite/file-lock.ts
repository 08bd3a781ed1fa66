import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { isBusy } from './errors.ts';

/** The process that has a lock. */
export type LockHolder = { readonly pid: number; readonly command: string; readonly sinceMs: number };

export type LockOptions = {
  readonly command: string;
  readonly clock: () => number;
  /** How long another process may take to write its row, or to read ours. Default: 250. */
  readonly patienceMs?: number;
};

export type FileLock = { readonly release: () => void };

const schema =
  'CREATE TABLE IF NOT EXISTS holder (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), pid INTEGER, command TEXT, since_ms INTEGER)';

/**
 * Takes the lock of the file at `path`, which is created if missing, until `release` or the end of the process, however
 * it ends. Never open such a file by other means: closing it would release the lock.
 *
 * The lock is an open write transaction, which the operating system ends with the process. A committed row says who
 * holds it; it is valid only while a transaction is open.
 * @returns the holder when another process has the lock; `null` when it has not written its row yet.
 * @throws SQLite's error when the file cannot be written.
 */
export function takeFileLock(
  path: string,
  { command, clock, patienceMs = 250 }: LockOptions,
): FileLock | { readonly holder: LockHolder | null } {
  const mine: LockHolder = { pid: process.pid, command, sinceMs: clock() };
  const connection = new DatabaseSync(path, { timeout: patienceMs });
  try {
    take(connection, mine);
  } catch (error) {
    const holder = isBusy(error) ? readHolder(connection) : null;
    connection.close();
    if (isBusy(error)) return { holder };
    throw error;
  }
  return {
    release: () => {
      if (connection.isOpen) connection.close();
    },
  };
}

/** Between the commit and the next transaction another process may write its row: then ours is written again. */
function take(connection: DatabaseSync, mine: LockHolder): void {
  connection.exec('BEGIN IMMEDIATE');
  connection.exec(schema);
  while (!isDeepStrictEqual(readHolder(connection), mine)) {
    const { pid, command, sinceMs } = mine;
    connection.prepare('REPLACE INTO holder VALUES (1, ?, ?, ?)').run(pid, command, sinceMs);
    connection.exec('COMMIT');
    connection.exec('BEGIN IMMEDIATE');
  }
}

function readHolder(connection: DatabaseSync): LockHolder | null {
  try {
    const row = connection.prepare('SELECT pid, command, since_ms FROM holder').get();
    if (row === undefined) return null;
    return { pid: Number(row['pid']), command: String(row['command']), sinceMs: Number(row['since_ms']) };
  } catch {
    return null;
  }
}
