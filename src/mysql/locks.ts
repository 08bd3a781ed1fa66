import { hash } from 'node:crypto';
import { SamsaError } from '../errors.ts';
import { upsert, type MergedTable } from '../sql/statements.ts';
import type { MysqlAddress, MysqlConnection } from './connection.ts';
import { isUnknownTable } from './errors.ts';

/** The database and the prefix of its tables. Locks belong to the whole server, so their names start from this. */
export function lockScopeOf({ database, tablePrefix = '' }: MysqlAddress): string {
  return `${database}.${tablePrefix}`;
}

/** The name of a lock of the whole server. MySQL allows 64 characters and ignores their case. */
export function lockName(...parts: readonly string[]): string {
  return `samsa-${hash('sha256', JSON.stringify(parts), 'hex').slice(0, 40)}`;
}

/**
 * Takes a lock that lasts until it is released or the connection ends. Do not call it inside a transaction: if the
 * server does not name lock holders, a row says who holds the lock, and others must see it at once.
 * @returns false when others held it for all of that time.
 */
export async function takeLock(connection: MysqlConnection, name: string, waitSeconds: number): Promise<boolean> {
  const [row] = await connection.rows('SELECT GET_LOCK(?, ?) AS taken', [name, waitSeconds]);
  if (Number(row?.['taken']) !== 1) return false;
  if (!connection.server.namesLockHolders) await writeHolder(connection, name);
  return true;
}

const holderTable: MergedTable = { name: 'lock_holder', key: ['name'], columns: { connection_id: 'set' } };

async function writeHolder(connection: MysqlConnection, name: string): Promise<void> {
  const write = (): Promise<number> => connection.insert(upsert(holderTable, 'mysql'), [[name, connection.id]]);
  try {
    await write();
  } catch (error) {
    if (!isUnknownTable(error)) throw error;
    await connection.change(
      `CREATE TABLE IF NOT EXISTS state.lock_holder (
         name VARBINARY(64) NOT NULL PRIMARY KEY, connection_id BIGINT UNSIGNED NOT NULL) ENGINE = InnoDB`,
    );
    await write();
  }
}

/** @returns the id of the connection that holds a lock, or that held it last where a row says so. */
async function readHolder(connection: MysqlConnection, name: string): Promise<number | null> {
  const [row] = connection.server.namesLockHolders
    ? await connection.rows('SELECT IS_USED_LOCK(?) AS id', [name])
    : await connection.rows('SELECT connection_id AS id FROM state.lock_holder WHERE name = ?', [name]);
  const id = row?.['id'];
  return id === null || id === undefined ? null : Number(id);
}

export async function releaseLock(connection: MysqlConnection, name: string): Promise<void> {
  await connection.rows('SELECT RELEASE_LOCK(?) AS done', [name]);
}

/** Whether any connection holds the lock. */
export async function isTaken(connection: MysqlConnection, name: string): Promise<boolean> {
  const [row] = await connection.rows('SELECT IS_FREE_LOCK(?) AS is_free', [name]);
  return Number(row?.['is_free']) !== 1;
}

/**
 * Ends the connection that holds a lock, and with it its transaction, so that what a frozen process holds becomes free.
 * Does nothing when the lock is free.
 */
export async function endHolder(connection: MysqlConnection, name: string): Promise<void> {
  const id = await readHolder(connection, name);
  if (id === null || id === connection.id) return;
  try {
    await connection.change(`KILL ${id}`);
  } catch (error) {
    if ((error as { errno?: unknown }).errno !== noSuchConnection) throw error;
  }
}

const noSuchConnection = 1094;

/**
 * Runs `body` while this connection holds the lock. A holder that keeps others waiting for longer than `waitSeconds`
 * counts as frozen: its connection is ended.
 * @param what is locked, for the message when another connection still takes the lock first.
 * @throws SamsaError `store-unavailable` (retryable), and whatever `body` throws.
 */
export async function oneAtATime<Result>(
  connection: MysqlConnection,
  { lock, waitSeconds, what }: { readonly lock: string; readonly waitSeconds: number; readonly what: string },
  body: () => Promise<Result>,
): Promise<Result> {
  if (!(await takeLock(connection, lock, waitSeconds))) {
    await endHolder(connection, lock);
    if (!(await takeLock(connection, lock, 1))) {
      throw new SamsaError('store-unavailable', `${what} being changed by others`, { retryable: true });
    }
  }
  try {
    return await body();
  } finally {
    if (!connection.isLost()) await releaseLock(connection, lock);
  }
}
