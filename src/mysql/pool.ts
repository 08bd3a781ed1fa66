import { SamsaError } from '../errors.ts';
import { backoffMs } from '../runtime/waiting.ts';
import { openConnection, type MysqlAddress, type MysqlConnection, type OwnedConnection } from './connection.ts';
import { mysqlError } from './errors.ts';

/** A bounded number of connections, each used by one piece of work at a time. */
export type ConnectionPool = {
  /**
   * Waits for a free connection.
   * @throws SamsaError `store-unavailable` (retryable), `bad-configuration`.
   */
  readonly acquire: () => Promise<PooledConnection>;
  /** Ends all connections; work that still uses one fails. */
  readonly close: () => Promise<void>;
};

export type PooledConnection = {
  readonly connection: MysqlConnection;
  readonly release: () => void;
};

/** @param timeoutMs how long a statement may go without an answer. */
export function createConnectionPool(
  name: string,
  address: MysqlAddress,
  limit: number,
  timeoutMs: number,
): ConnectionPool {
  const open = new Set<OwnedConnection>();
  const idle: OwnedConnection[] = [];
  const waiting: (() => void)[] = [];
  let unused = limit;
  let closed = false;
  const refuseWhenClosed = (): void => {
    if (closed) throw new SamsaError('store-unavailable', `${name}: closed`);
  };

  const reserve = async (): Promise<void> => {
    refuseWhenClosed();
    if (unused > 0) unused--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const passOn = (): void => {
    const next = waiting.shift();
    if (next === undefined) unused++;
    else next();
  };
  const connect = async (): Promise<OwnedConnection> => {
    for (let known = idle.pop(); known !== undefined; known = idle.pop()) {
      if (!known.isLost()) return known;
      open.delete(known);
    }
    const connection = await openConnection(address, timeoutMs);
    open.add(connection);
    return connection;
  };
  return {
    acquire: async () => {
      await reserve();
      try {
        refuseWhenClosed();
        const connection = await connect();
        if (closed) connection.cut();
        const release = (): void => {
          if (connection.isLost()) open.delete(connection);
          else idle.push(connection);
          passOn();
        };
        return { connection, release };
      } catch (error) {
        passOn();
        throw mysqlError(name, error);
      }
    },
    close: async () => {
      closed = true;
      for (const next of waiting.splice(0)) next();
      for (const connection of open) if (!idle.includes(connection)) connection.cut();
      await Promise.all(idle.map((connection) => connection.quit()));
    },
  };
}

const prepareBackoff = { firstMs: 200, mostMs: 5_000 };

/**
 * A pool of a database that could not be prepared yet. Asking for a connection tries to prepare it again, one attempt
 * at a time, after a jittered backoff of 100–5,000 ms. Until an attempt succeeds, `acquire` throws the last problem.
 * @param onProblem is called with the first problem, with later ones of another kind, and with `null` when it is over.
 */
export function prepareAtUse(
  pool: ConnectionPool,
  prepare: (onConnected: (connection: OwnedConnection) => void) => Promise<void>,
  first: SamsaError,
  onProblem: (problem: SamsaError | null) => void,
): ConnectionPool {
  let problem: SamsaError | null = first;
  let attempts = 1;
  let nextMs = performance.now() + backoffMs(attempts, prepareBackoff);
  let trying: Promise<void> | null = null;
  let preparing: OwnedConnection | null = null;
  let closed = false;
  onProblem(first);

  const attempt = async (): Promise<void> => {
    try {
      await prepare((connection) => {
        preparing = connection;
        if (closed) connection.cut();
      });
      problem = null;
      onProblem(null);
    } catch (error) {
      nextMs = performance.now() + backoffMs(++attempts, prepareBackoff);
      if (!(error instanceof SamsaError)) throw error;
      if (!closed && error.code !== problem?.code) onProblem(error);
      problem = error;
    } finally {
      preparing = null;
      trying = null;
    }
  };

  return {
    acquire: async () => {
      if (problem !== null && !closed && (trying !== null || performance.now() >= nextMs)) {
        trying ??= attempt();
        await trying;
      }
      if (problem !== null) throw problem;
      return pool.acquire();
    },
    close: async () => {
      closed = true;
      preparing?.cut();
      await pool.close();
    },
  };
}
