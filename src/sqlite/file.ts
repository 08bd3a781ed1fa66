import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reason, SamsaError } from '../errors.ts';
import { isBusy, isNotADatabase } from './errors.ts';

/** What SQLite keeps beside a file while it is open, and after a crash. */
const companions = ['-wal', '-shm', '-journal'];
/** For other programs that only read, as `status` does. */
const patienceMs = 1_000;

/**
 * Deletes a file with what SQLite keeps beside it. No process may have it open. A missing file is fine.
 * @throws SamsaError `data-folder-unusable`
 */
export function removeSqliteFile(path: string): void {
  for (const name of [path, ...companions.map((suffix) => path + suffix)]) {
    try {
      rmSync(name, { force: true });
    } catch (cause) {
      throw new SamsaError('data-folder-unusable', `${name}: cannot be removed: ${reason(cause)}`, { cause });
    }
  }
}

/** Whether any process has the file open. Changes nothing, except that its write-ahead log is written into it. */
export function isInUse(path: string): boolean {
  const connection = new DatabaseSync(path, { timeout: patienceMs });
  try {
    connection.exec('PRAGMA locking_mode = EXCLUSIVE');
    connection.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    if (isNotADatabase(error)) return false;
    throw unusable(path, error);
  } finally {
    connection.close();
  }
}

/**
 * Replaces a file by a finished one, and keeps the old one under a third name. After a crash one of the two is at
 * `path`, complete. A process that opens `path` meanwhile waits and gets the new one.
 * @param mayReplace called while no other process can write to the old file; throws to leave everything as it is.
 * @throws SamsaError `already-running` when a process has the old file open, `data-folder-unusable`.
 */
export function replaceSqliteFile(
  path: string,
  { by, keepAs, mayReplace }: { readonly by: string; readonly keepAs: string; readonly mayReplace: MayReplace },
): void {
  finish(by);
  const old = new DatabaseSync(path, { timeout: patienceMs });
  try {
    if (takeOver(path, old)) mayReplace(old);
    removeSqliteFile(keepAs);
    for (const suffix of companions) rmSync(path + suffix, { force: true });
    linkSync(path, keepAs);
    renameSync(by, path);
    sync(dirname(path));
  } catch (error) {
    throw unusable(path, error);
  } finally {
    old.close();
  }
}

export type MayReplace = (old: Pick<DatabaseSync, 'prepare'>) => void;

/** Puts a finished file where there is none yet. @throws SamsaError `data-folder-unusable` */
export function placeSqliteFile(path: string, by: string): void {
  finish(by);
  try {
    linkSync(by, path);
    rmSync(by);
    sync(dirname(path));
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Leaving WAL mode is only possible when every other connection is closed. It writes the write-ahead log into the file
 * and deletes it.
 */
function takeOver(path: string, connection: DatabaseSync): boolean {
  try {
    leaveWal(connection);
    connection.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (isNotADatabase(error)) return false;
    if (!isBusy(error)) throw error;
    throw new SamsaError(
      'already-running',
      `${path}: expected a file that is not in use, but a service has it open. Stop it first.`,
    );
  }
}

function finish(path: string): void {
  try {
    const connection = new DatabaseSync(path, { timeout: patienceMs });
    try {
      leaveWal(connection);
    } finally {
      connection.close();
    }
    sync(path);
  } catch (error) {
    throw unusable(path, error);
  }
}

function leaveWal(connection: DatabaseSync): void {
  const mode = connection.prepare('PRAGMA journal_mode = DELETE').get()?.['journal_mode'];
  if (mode !== 'delete') throw new Error(`expected to leave WAL mode, got ${String(mode)}`);
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function unusable(path: string, cause: unknown): SamsaError {
  if (cause instanceof SamsaError) return cause;
  return new SamsaError('data-folder-unusable', `${path}: ${reason(cause)}`, { cause });
}
