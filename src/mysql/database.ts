import { SamsaError } from '../errors.ts';
import { openConnection, type MysqlAddress, type MysqlConnection, type OwnedConnection } from './connection.ts';
import { createConnectionPool, prepareAtUse, type ConnectionPool, type PooledConnection } from './pool.ts';
import { databaseName, translateErrors } from './errors.ts';
import { lockName, lockScopeOf, oneAtATime } from './locks.ts';
import { migrate, type Migrations } from './migrations.ts';
import { inTransaction, withRetries } from './transaction.ts';

export type MysqlOptions = {
  readonly migrations: readonly Migrations[];
  /** The most connections at a time. Default 6. */
  readonly connections?: number;
  /** How long a statement may go without an answer before the server counts as away. */
  readonly timeoutMs?: number;
  /**
   * For services, which start also while the server does not answer. It is called with the problem, and with `null`
   * when the problem is over; until then every use throws `store-unavailable`. Without it `openMysql` throws the
   * problem.
   */
  readonly onProblem?: ((problem: SamsaError | null) => void) | undefined;
};

type Work<Result> = (connection: MysqlConnection) => Promise<Result>;

/** A MySQL or MariaDB database. Everything here may throw SamsaError `store-unavailable` (retryable). */
export type MysqlDatabase = {
  /** Host, port and database, for messages. */
  readonly name: string;
  /** @see lockScopeOf */
  readonly lockScope: string;
  /** Reads on one consistent snapshot, without taking a lock. */
  readonly read: <Result>(body: Work<Result>) => Promise<Result>;
  /**
   * Runs `body` in a transaction (READ COMMITTED) and rolls back when it throws. After a deadlock, a long lock wait or
   * a lost connection the whole body runs again. When the connection is lost during the commit itself, the outcome is
   * unknown and it throws: a caller that must not write twice looks for what it wrote.
   */
  readonly transaction: <Result>(body: Work<Result>) => Promise<Result>;
  /**
   * As `transaction`, one at a time under this name among all processes. A process that keeps the others waiting for
   * five seconds may be frozen: its connection is ended.
   */
  readonly exclusive: <Result>(name: string, body: Work<Result>) => Promise<Result>;
  /** Runs `body` once on a connection, outside any transaction. */
  readonly connected: <Result>(body: Work<Result>) => Promise<Result>;
  /** Keeps one connection until it is lost. */
  readonly session: () => MysqlSession;
  readonly close: () => Promise<void>;
};

/** Transactions one after another on a connection that nothing else uses. */
export type MysqlSession = {
  /** @param prepare runs on the connection before the transaction begins. @see MysqlDatabase.transaction */
  readonly transaction: <Result>(body: Work<Result>, prepare?: Work<void>) => Promise<Result>;
};

const defaultTimeoutMs = 10_000;
const migrationTimeoutMs = 120_000;
/** Shorter than the time limit of a statement. */
const namedLockSeconds = 5;

/**
 * Connects to a database that exists and brings its tables up to date.
 * @throws SamsaError `bad-configuration` when it is too old or refuses the user, `state-too-new` when a newer program
 *   created its tables, `store-unavailable` (retryable) when it does not answer and there is no `onProblem`.
 */
export async function openMysql(address: MysqlAddress, options: MysqlOptions): Promise<MysqlDatabase> {
  const { migrations, connections = 6, timeoutMs = defaultTimeoutMs, onProblem } = options;
  const name = databaseName(address);
  const lockScope = lockScopeOf(address);
  const pool = createConnectionPool(name, address, connections, timeoutMs);
  try {
    await prepareDatabase(name, lockScope, address, migrations);
    return databaseOf(name, lockScope, pool);
  } catch (error) {
    if (onProblem === undefined || !(error instanceof SamsaError) || !error.retryable) throw error;
    const prepare = (onConnected: (connection: OwnedConnection) => void): Promise<void> =>
      prepareDatabase(name, lockScope, address, migrations, onConnected);
    return databaseOf(name, lockScope, prepareAtUse(pool, prepare, error, onProblem));
  }
}

function databaseOf(name: string, lockScope: string, pool: ConnectionPool): MysqlDatabase {
  const ours = <Result>(work: Promise<Result>): Promise<Result> => translateErrors(name, work);
  const withConnection = async <Result>(body: Work<Result>): Promise<Result> => {
    const { connection, release } = await pool.acquire();
    try {
      const result = await body(connection);
      await connection.flush();
      return result;
    } finally {
      connection.dropQueued();
      release();
    }
  };
  return {
    name,
    lockScope,
    connected: (body) => ours(withConnection(body)),
    read: (body) =>
      ours(withRetries(() => withConnection((connection) => inTransaction(connection, 'snapshot', body)))),
    transaction: (body) =>
      ours(withRetries(() => withConnection((connection) => inTransaction(connection, 'write', body)))),
    exclusive: (work, body) => {
      const turn = { lock: lockName(lockScope, work), waitSeconds: namedLockSeconds, what: `${name}: ${work} is` };
      const once = (connection: MysqlConnection): ReturnType<typeof body> =>
        oneAtATime(connection, turn, () => inTransaction(connection, 'write', body));
      return ours(withRetries(() => withConnection(once)));
    },
    session: () => {
      const session = createSession(pool);
      return { transaction: (body, prepare) => ours(session.transaction(body, prepare)) };
    },
    close: pool.close,
  };
}

function createSession(pool: ConnectionPool): MysqlSession {
  let held: PooledConnection | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const giveUp = (): void => {
    held?.release();
    held = null;
  };
  const once = async <Result>(body: Work<Result>, prepare: Work<void> | undefined): Promise<Result> => {
    if (held?.connection.isLost() === true) giveUp();
    held ??= await pool.acquire();
    const { connection } = held;
    try {
      await prepare?.(connection);
      return await inTransaction(connection, 'write', body);
    } finally {
      if (connection.isLost()) giveUp();
    }
  };
  return {
    transaction: (body, prepare) => {
      const result = last.then(() => withRetries(() => once(body, prepare)));
      last = result.catch(() => {});
      return result;
    },
  };
}

async function prepareDatabase(
  name: string,
  lockScope: string,
  address: MysqlAddress,
  migrations: readonly Migrations[],
  onConnected: (connection: OwnedConnection) => void = () => {},
): Promise<void> {
  const connection = await translateErrors(name, openConnection(address, migrationTimeoutMs));
  onConnected(connection);
  try {
    await translateErrors(name, migrate(connection, { name, lockScope }, migrations));
  } finally {
    await connection.quit();
  }
}
