import { createPool, type PoolConnection, type PoolOptions } from 'mysql2/promise';
import { setTimeout as delay } from 'node:timers/promises';
import { SamsaError } from '../errors.ts';
import { lendConnection, type MysqlConnection } from './mysql-connection.ts';
import { mysqlError } from './mysql-errors.ts';

/** Connections of a pool, one at a time to each who asks. */
export type Lending = {
  /**
   * Waits for a free connection.
   * @throws SamsaError `store-unavailable` (retryable), `bad-configuration`.
   */
  readonly take: () => Promise<Lent>;
  /** Ends all connections, also those in use, and waits no longer than two seconds for it. */
  readonly close: () => Promise<void>;
};

export type Lent = {
  readonly connection: MysqlConnection;
  /** For the next one, unless it is lost: then it is ended. */
  readonly giveBack: () => void;
};

/** Less than a statement may take: a frozen owner of a row must not look like a frozen server. */
const lockWaitSeconds = 3;
const connectTimeoutMs = 5_000;

/** @param timeoutMs how long a statement may go without an answer. */
export function createLending(name: string, options: PoolOptions, timeoutMs: number): Lending {
  const pool = createPool({ ...options, connectTimeout: Math.min(connectTimeoutMs, timeoutMs) });
  const known = new WeakMap<object, MysqlConnection>();
  const lent = new Set<PoolConnection>();
  let closed = false;

  const setUpOnce = async (connection: PoolConnection): Promise<MysqlConnection> => {
    let wrapped = known.get(connection.connection);
    if (wrapped === undefined) {
      wrapped = lendConnection(connection, timeoutMs);
      await setUp(wrapped);
      known.set(connection.connection, wrapped);
    }
    return wrapped;
  };
  return {
    take: async () => {
      if (closed) throw new SamsaError('store-unavailable', `${name}: closed`);
      const taken = await pool.getConnection().catch((error: unknown) => {
        throw mysqlError(name, error);
      });
      lent.add(taken);
      try {
        const connection = await setUpOnce(taken);
        const giveBack = (): void => {
          if (!lent.delete(taken)) return;
          if (connection.isLost()) taken.destroy();
          else taken.release();
        };
        return { connection, giveBack };
      } catch (error) {
        if (lent.delete(taken)) taken.destroy();
        throw mysqlError(name, error);
      }
    },
    close: async () => {
      closed = true;
      for (const connection of lent) connection.destroy();
      lent.clear();
      const patience = new AbortController();
      await Promise.race([
        pool.end().catch(() => {}),
        delay(2_000, undefined, { signal: patience.signal }).catch(() => {}),
      ]);
      patience.abort();
    },
  };
}

/** The same rules whatever the server's own settings are. */
async function setUp(connection: MysqlConnection): Promise<void> {
  await connection.change(
    `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1,
       innodb_lock_wait_timeout = ?`,
    [lockWaitSeconds],
  );
  await connection.change('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
}
