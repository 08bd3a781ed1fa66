import { hash } from 'node:crypto';
import type { MysqlConnection } from './mysql-connection.ts';

/** The name of a lock of the whole server: MySQL takes at most 64 characters and ignores their case. */
export function lockName(...parts: readonly string[]): string {
  return `samsa-${hash('sha256', JSON.stringify(parts), 'hex').slice(0, 40)}`;
}

/** Takes a lock that lasts until it is given back or the connection ends. @returns false when others kept it. */
export async function takeLock(connection: MysqlConnection, name: string, waitSeconds: number): Promise<boolean> {
  const [row] = await connection.rows('SELECT GET_LOCK(?, ?) AS taken', [name, waitSeconds]);
  return row?.['taken'] === 1;
}

export async function giveLockBack(connection: MysqlConnection, name: string): Promise<void> {
  await connection.rows('SELECT RELEASE_LOCK(?) AS done', [name]);
}

/**
 * Ends the connection that holds a lock, and with it the transaction it is in: what a frozen process holds is free
 * again. Nothing happens when nobody holds it.
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
