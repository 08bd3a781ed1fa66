import { SamsaError } from '../errors.ts';
import { openConnection, type MysqlAddress, type MysqlConnection, type OwnedConnection } from './connection.ts';
import { mysqlError } from './errors.ts';
import { createLending, type Lending, type Lent } from '../progress/mysql/lending.ts';
import { lockName, lockScopeOf, oneAtATime } from './locks.ts';
import { migrate, type Migrations } from './migrations.ts';
import { tryAgainAtUse } from '../progress/mysql/waking.ts';
import { databaseName } from '../progress/store-location.ts';
import { inTransaction, withRetries } from './transaction.ts';

export type MysqlOptions = {
  readonly migrations: readonly Migrations[];
  /** At most so many connections at a time; others wait their turn. */
  readonly connections?: number;
  /** How long a statement may go without an answer before the server counts as away. */
  readonly timeoutMs?: number;
  /**
   * Given by services, which start whatever the server does: they are told that it does not answer yet, and `null` when
   * that is over. Until then every use is `store-unavailable`. Without it the trouble is thrown.
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
   * Runs `body` in a transaction (READ COMMITTED) and rolls back when it throws. After a deadlock, a lock wait that took
   * too long or a lost connection the whole body runs again, on whatever the database holds then. When the connection
   * is lost during the commit itself the outcome is unknown, and it throws: what must not happen twice has to be told
   * apart by what it wrote.
   */
  readonly transaction: <Result>(body: Work<Result>) => Promise<Result>;
  /**
   * As `transaction`, one at a time under this name among all processes. Who keeps the others waiting for five seconds
   * loses its connection: it may be frozen.
   */
  readonly exclusive: <Result>(name: string, body: Work<Result>) => Promise<Result>;
  /** `body` on a connection, outside any transaction. Not repeated. */
  readonly connected: <Result>(body: Work<Result>) => Promise<Result>;
  /** A connection of one's own, until it is lost. */
  readonly session: () => MysqlSession;
  readonly close: () => Promise<void>;
};

/** Transactions one after another on a connection that nobody else uses. */
export type MysqlSession = Pick<MysqlDatabase, 'transaction'>;

const defaultTimeoutMs = 10_000;
const migrationTimeoutMs = 120_000;
/** Less than a statement may take. */
const lockWaitSeconds = 5;

/**
 * Connects to a database that exists and brings its tables up to date.
 * @throws SamsaError `bad-configuration` when it is too old or refuses us, `state-too-new` when a newer program made its
 *   tables, `store-unavailable` (retryable) when it does not answer and there is no `onProblem`.
 */
export async function openMysql(address: MysqlAddress, options: MysqlOptions): Promise<MysqlDatabase> {
  const { migrations, connections = 6, timeoutMs = defaultTimeoutMs, onProblem } = options;
  const name = databaseName(address);
  const lockScope = lockScopeOf(address);
  const lending = createLending(name, address, connections, timeoutMs);
  try {
    await prepareDatabase(name, lockScope, address, migrations);
    return databaseOf(name, lockScope, lending);
  } catch (error) {
    if (onProblem === undefined || !(error instanceof SamsaError) || !error.retryable) throw error;
    const prepare = (onConnected: (connection: OwnedConnection) => void): Promise<void> =>
      prepareDatabase(name, lockScope, address, migrations, onConnected);
    return databaseOf(name, lockScope, tryAgainAtUse(lending, prepare, error, onProblem));
  }
}

function databaseOf(name: string, lockScope: string, lending: Lending): MysqlDatabase {
  const ours = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work;
    } catch (error) {
      throw mysqlError(name, error);
    }
  };
  const lent = async <Result>(body: Work<Result>): Promise<Result> => {
    const { connection, giveBack } = await lending.take();
    try {
      return await body(connection);
    } finally {
      giveBack();
    }
  };
  return {
    name,
    lockScope,
    connected: (body) => ours(lent(body)),
    read: (body) => ours(withRetries(() => lent((connection) => inTransaction(connection, 'snapshot', body)))),
    transaction: (body) => ours(withRetries(() => lent((connection) => inTransaction(connection, 'write', body)))),
    exclusive: (work, body) => {
      const turn = { lock: lockName(lockScope, work), waitSeconds: lockWaitSeconds, what: `${name}: ${work} is` };
      const once = (connection: MysqlConnection): ReturnType<typeof body> =>
        oneAtATime(connection, turn, () => inTransaction(connection, 'write', body));
      return ours(withRetries(() => lent(once)));
    },
    session: () => {
      const session = createSession(lending);
      return { transaction: (body) => ours(session.transaction(body)) };
    },
    close: lending.close,
  };
}

function createSession(lending: Lending): MysqlSession {
  let held: Lent | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const giveUp = (): void => {
    held?.giveBack();
    held = null;
  };
  const once = async <Result>(body: Work<Result>): Promise<Result> => {
    if (held?.connection.isLost() === true) giveUp();
    held ??= await lending.take();
    const { connection } = held;
    try {
      return await inTransaction(connection, 'write', body);
    } finally {
      if (connection.isLost()) giveUp();
    }
  };
  return {
    transaction: (body) => {
      const result = last.then(() => withRetries(() => once(body)));
      last = result.catch(() => {});
      return result;
    },
  };
}

/** On a connection of its own: only migrations may send several statements at a time. */
async function prepareDatabase(
  name: string,
  lockScope: string,
  address: MysqlAddress,
  migrations: readonly Migrations[],
  onConnected: (connection: OwnedConnection) => void = () => {},
): Promise<void> {
  try {
    const connection = await openConnection(address, migrationTimeoutMs, true);
    onConnected(connection);
    try {
      await checkVersion(name, connection);
      await migrate(connection, { name, lockScope }, migrations);
    } finally {
      await connection.quit();
    }
  } catch (error) {
    throw mysqlError(name, error);
  }
}

async function checkVersion(name: string, connection: MysqlConnection): Promise<void> {
  const [row] = await connection.rows('SELECT VERSION() AS version');
  const version = String(row?.['version']);
  if (isRecentEnough(version)) return;
  throw new SamsaError(
    'bad-configuration',
    `db.dsn: expected MySQL 8.0 or MariaDB 10.11, or newer, at ${name}; found ${version}.`,
  );
}

/** @param version as `SELECT VERSION()` says it; some MariaDB call themselves a MySQL 5.5.5 first. */
export function isRecentEnough(version: string): boolean {
  const [, major = 0, minor = 0] = (/^(?:5\.5\.5-)?(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const [leastMajor, leastMinor] = /mariadb/i.test(version) ? [10, 11] : [8, 0];
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
