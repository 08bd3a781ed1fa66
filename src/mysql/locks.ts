import { hash } from 'node:crypto';
import { SamsaError } from '../errors.ts';
import type { MysqlAddress, MysqlConnection } from './connection.ts';

/** The database and the prefix of its tables. Locks belong to the whole server, so their names start from this. */
export function lockScopeOf({ database, tablePrefix = '' }: MysqlAddress): string {
  return `${database}.${tablePrefix}`;
}

/** The name of a lock of the whole server. MySQL allows 64 characters and ignores their case. */
export function lockName(...parts: readonly string[]): string {
  return `samsa-${hash('sha256', JSON.stringify(parts), 'hex').slice(0, 40)}`;
}

/** Takes a lock that lasts until it is released or the connection ends. @returns false when others kept it. */
export async function takeLock(connection: MysqlConnection, name: string, waitSeconds: number): Promise<boolean> {
  const [row] = await connection.rows('SELECT GET_LOCK(?, ?) AS taken', [name, waitSeconds]);
  return row?.['taken'] === 1;
}

export async function releaseLock(connection: MysqlConnection, name: string): Promise<void> {
  await connection.rows('SELECT RELEASE_LOCK(?) AS done', [name]);
}

export async function isTaken(connection: MysqlConnection, name: string): Promise<boolean> {
  const [row] = await connection.rows('SELECT IS_USED_LOCK(?) AS id', [name]);
  return row?.['id'] !== null;
}

/**
 * Ends the connection that holds a lock, and with it its transaction, so that what a frozen process holds becomes free.
 * Does nothing when the lock is free.
 */
export async function endHolder(connection: MysqlConnection, name: string): Promise<void> {
  const [row] = await connection.rows('SELECT IS_USED_LOCK(?) AS id', [name]);
  const id = row?.['id'];
  if (id === null || id === undefined || Number(id) === connection.id) return;
  try {
    await connection.change(`KILL ${Number(id)}`);
  } catch (error) {
    if ((error as { errno?: unknown }).errno !== noSuchConnection) throw error;
  }
}

const noSuchConnection = 1094;

/**
 * Runs `body` while this connection holds the lock. A holder that keeps others waiting for longer than `waitSeconds`
 * counts as frozen: its connection is ended.
 * @param what for the message when another connection takes the lock first even then.
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
