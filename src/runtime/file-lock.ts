import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { isBusy } from '../sqlite/errors.ts';

/** Who has a lock, and what for. */
export type LockHolder = { readonly pid: number; readonly command: string; readonly sinceMs: number };

export type LockOptions = {
  readonly command: string;
  readonly clock: () => number;
  /** For another process to write its row, or to read ours; 250 unless given. */
  readonly patienceMs?: number;
};

export type FileLock = { readonly release: () => void };

const schema =
  'CREATE TABLE IF NOT EXISTS holder (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), pid INTEGER, command TEXT, since_ms INTEGER)';

/**
 * Takes the lock that the file at `path` stands for, made if it is not there, until `release` or the end of the process,
 * however it ends. Never open such a file by any other means: letting go of it would give the lock away.
 *
 * The lock is an open write transaction, which the operating system ends with the process; the committed row beneath
 * it says who holds it, and is true only while the transaction is open.
 * @returns who has it where somebody else does; `holder` is `null` where they have not said so yet.
 * @throws whatever SQLite has to say about a file that cannot be written.
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

/** Between the commit of the row and the next transaction another process may write its own: then ours is written again. */
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
