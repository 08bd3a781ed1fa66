import { SamsaError } from '../../errors.ts';
import {
  openConnection,
  type MysqlAddress,
  type MysqlConnection,
  type OwnedConnection,
} from '../../mysql/connection.ts';
import { mysqlError } from '../../mysql/errors.ts';

/** A bounded number of connections, each lent to one piece of work at a time. */
export type Lending = {
  /**
   * Waits for a free connection.
   * @throws SamsaError `store-unavailable` (retryable), `bad-configuration`.
   */
  readonly take: () => Promise<Lent>;
  /** Ends all connections; work that still has one fails. */
  readonly close: () => Promise<void>;
};

export type Lent = {
  readonly connection: MysqlConnection;
  /** For the next one, unless it is lost. */
  readonly giveBack: () => void;
};

/** Less than a statement may take: a frozen owner of a row must not look like a frozen server. */
const lockWaitSeconds = 3;

/** @param timeoutMs how long a statement may go without an answer. */
export function createLending(name: string, address: MysqlAddress, most: number, timeoutMs: number): Lending {
  const open = new Set<OwnedConnection>();
  const free: OwnedConnection[] = [];
  const waiting: (() => void)[] = [];
  let places = most;
  let closed = false;
  const refuseWhenClosed = (): void => {
    if (closed) throw new SamsaError('store-unavailable', `${name}: closed`);
  };

  const takePlace = async (): Promise<void> => {
    refuseWhenClosed();
    if (places > 0) places--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leavePlace = (): void => {
    const next = waiting.shift();
    if (next === undefined) places++;
    else next();
  };
  const connected = async (): Promise<OwnedConnection> => {
    for (let known = free.pop(); known !== undefined; known = free.pop()) {
      if (!known.isLost()) return known;
      open.delete(known);
    }
    const made = await openConnection(address, timeoutMs);
    try {
      await setUp(made);
    } catch (error) {
      made.cut();
      throw error;
    }
    open.add(made);
    return made;
  };
  return {
    take: async () => {
      await takePlace();
      try {
        refuseWhenClosed();
        const connection = await connected();
        if (closed) connection.cut();
        const giveBack = (): void => {
          if (connection.isLost()) open.delete(connection);
          else free.push(connection);
          leavePlace();
        };
        return { connection, giveBack };
      } catch (error) {
        leavePlace();
        throw mysqlError(name, error);
      }
    },
    close: async () => {
      closed = true;
      for (const next of waiting.splice(0)) next();
      for (const connection of open) if (!free.includes(connection)) connection.cut();
      await Promise.all(free.map((connection) => connection.quit()));
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
