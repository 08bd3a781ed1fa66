import { createLruMap } from '../runtime/lru-map.ts';
import { createConnection, escape, type Connection, type ResultSetHeader } from 'mysql2';
import { connect } from 'node:net';
import { within } from '../runtime/waiting.ts';
import { isLostConnection } from './errors.ts';
import { adaptStatement, recognizeServer, type Server } from './server.ts';

/** Where a database is and who asks: `db.dsn` in its parts. */
export type MysqlAddress = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Prefix of its tables, where a database holds several states. At most 40 of a–z, 0–9 and _. Default: no prefix. */
  readonly tablePrefix?: string;
  /** Encrypts the connection, and the server must prove that it is `host`. Default: not encrypted. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
};

export type MysqlRow = Readonly<Record<string, unknown>>;

/** A value of a statement. A list stands for `IN (?)`, a list of lists for the rows of `VALUES ?`. */
export type MysqlValue = string | number | null | Uint8Array | readonly MysqlValue[];
type MysqlQuery = { readonly sql: string; readonly values: readonly MysqlValue[] };
type Rows = readonly (readonly MysqlValue[])[];

/**
 * One connection, for one piece of work at a time. It throws the driver's errors. In a statement `state.position` means
 * the table `position` of this address, with its prefix.
 */
export type MysqlConnection = {
  /** The server's number for it, unique until the server starts again. */
  readonly id: number;
  readonly server: Server;
  readonly rows: (sql: string, values?: readonly MysqlValue[]) => Promise<readonly MysqlRow[]>;
  /** The rows of each query; all are sent in one packet. */
  readonly rowsOfEach: (queries: readonly MysqlQuery[]) => Promise<readonly (readonly MysqlRow[])[]>;
  /** @returns how many rows were found to change, inserted or removed. */
  readonly change: (sql: string, values?: readonly MysqlValue[]) => Promise<number>;
  /** @returns the id that the server gave the inserted row. */
  readonly insertOne: (sql: string, values: readonly MysqlValue[]) => Promise<number>;
  /**
   * Inserts rows, up to 2,000 or 1 MB a statement; `sql` has one `VALUES ?`.
   * @returns what the server counts: with `INSERT IGNORE`, the rows that were new.
   */
  readonly insert: (sql: string, rows: Rows) => Promise<number>;
  /**
   * Sends a statement together with the next one, in one packet, which saves waiting for an answer that nobody needs
   * (decision 043). The server executes them in order, and stops at the first that fails. The next statement then
   * throws that error. Use it inside a transaction.
   */
  readonly queue: (sql: string, values?: readonly MysqlValue[]) => void;
  /** As `insert`, but a small statement is queued. */
  readonly queueRows: (sql: string, rows: Rows) => Promise<void>;
  /** Sends what is queued. */
  readonly flush: () => Promise<void>;
  /** Forgets what is queued: the transaction is rolled back. */
  readonly dropQueued: () => void;
  /** True when it can no longer be used. */
  readonly isLost: () => boolean;
};

export type OwnedConnection = MysqlConnection & {
  /** Ends it at once; a statement under way fails. */
  readonly cut: () => void;
  /** Ends it as the server expects, and cuts it when that takes longer than a second. */
  readonly quit: () => Promise<void>;
};

type Outcome = { readonly resolve: (result: unknown) => void; readonly reject: (error: unknown) => void };

const connectTimeoutMs = 5_000;
const perStatement = { rows: 2_000, characters: 1 << 20 };
/** Larger statements are sent at once, so that the server executes them while the next one is written. */
const queuedCharacters = 16 << 10;
const mostQueued = 64;
/**
 * The shop relies on these, whatever the server's settings or its `init_connect` say. Other values could damage texts,
 * end an escaped value too early, leave out rows, refuse statements, or leave a transaction open. A lock is waited for
 * less long than a statement may take, so that a frozen owner of a row is not taken for a frozen server.
 */
const clientSettings = [
  'SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci',
  `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1,
     completion_type = 'NO_CHAIN', unique_checks = 1, sql_safe_updates = 0, sql_select_limit = 18446744073709551615,
     innodb_lock_wait_timeout = 3`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

/** @param timeoutMs how long a packet of statements may go without an answer; then the connection counts as lost. */
export async function openConnection(
  { host, port, user, password, database, tablePrefix = '', tls }: MysqlAddress,
  timeoutMs: number,
): Promise<OwnedConnection> {
  let server: Server | null = null;
  const textOf = createStatementTexts(tablePrefix, () => server);
  // The driver waits for the server to end a connection, and the server may be frozen. So the socket is ours to
  // destroy.
  const socket = connect({ host, port, noDelay: true, keepAlive: true });
  // Node compares the certificate with this name. The driver gives none when the host is an address.
  if (tls !== undefined) Object.assign(socket, { _host: host });
  const driver = createConnection({
    host,
    port,
    user,
    password,
    database,
    multipleStatements: true,
    ...(tls !== undefined && { ssl: { ...tls, rejectUnauthorized: true, verifyIdentity: true } }),
    stream: () => socket,
    connectTimeout: Math.min(connectTimeoutMs, timeoutMs),
  });
  let lost: unknown = null;
  let pending: Outcome | null = null;
  const lose = (error: unknown): void => {
    lost ??= error;
    socket.destroy();
    pending?.reject(error);
  };
  driver.on('error', lose);
  socket.on('close', () => lose(fatal('the connection was closed')));

  const settle = <Result>(start: (outcome: Outcome) => void): Promise<Result> =>
    new Promise<unknown>((resolve, reject) => {
      pending = { resolve, reject };
      if (lost === null) start(pending);
      else reject(lost);
    }).finally(() => {
      pending = null;
    }) as Promise<Result>;
  let queued: string[] = [];
  /** Sends what is queued and then these statements. @returns the results of these. */
  const sendAll = async <Result>(texts: readonly string[]): Promise<readonly Result[]> => {
    const packet = [...queued, ...texts];
    queued = [];
    const result = await sendPacket<unknown>(packet.join(';\n'));
    return (packet.length === 1 ? [result] : (result as unknown[])).slice(-texts.length) as Result[];
  };
  const send = async <Result>(text: string): Promise<Result> => (await sendAll<Result>([text]))[0]!;
  const sendPacket = async <Result>(packet: string): Promise<Result> => {
    const timer = setTimeout(() => lose(fatal(`no answer within ${timeoutMs} ms`)), timeoutMs);
    try {
      return await settle<Result>(({ resolve, reject }) => {
        driver.query(packet, (error, result) => (error === null ? resolve(result) : reject(error)));
      });
    } catch (error) {
      if (isLostConnection(error)) lose(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  const written = (sql: string, values: readonly MysqlValue[] = []): string => driver.format(textOf(sql), [...values]);
  const query = <Result>(sql: string, values?: readonly MysqlValue[]): Promise<Result> => send(written(sql, values));

  const handshake = async (): Promise<{ readonly id: number; readonly server: Server }> => {
    await settle<void>(({ resolve, reject }) => {
      driver.connect((error) => (error === null ? resolve(undefined) : reject(error)));
    });
    const [self] = await query<readonly MysqlRow[]>(
      'SELECT CONNECTION_ID() AS id, VERSION() AS version, @@version_comment AS comment',
    );
    const place = `${host}:${port}/${database}`;
    const [version, comment] = [String(self?.['version']), String(self?.['comment'])];
    const recognized = recognizeServer(place, version, comment);
    await sendAll(clientSettings);
    return { id: Number(self?.['id']), server: recognized };
  };
  const opened = await handshake().catch((error: unknown) => {
    lose(error);
    throw error;
  });
  server = opened.server;
  const change = async (sql: string, values?: readonly MysqlValue[]): Promise<number> =>
    (await query<ResultSetHeader>(sql, values)).affectedRows;
  const withValues = (sql: string, values: string): string => textOf(sql).replace('VALUES ?', () => `VALUES ${values}`);
  const insertFrom = async (sql: string, [text, rest]: ReturnType<typeof nextValues>): Promise<number> => {
    let counted = 0;
    while (text !== '') {
      const sent = send<ResultSetHeader>(withValues(sql, text));
      // The next statement is written while the server executes this one.
      [text, rest] = nextValues(rest);
      counted += (await sent).affectedRows;
    }
    return counted;
  };
  return {
    ...opened,
    rows: query<readonly MysqlRow[]>,
    rowsOfEach: (queries) => sendAll(queries.map(({ sql, values }) => written(sql, values))),
    change,
    insertOne: async (sql, values) => (await query<ResultSetHeader>(sql, values)).insertId,
    insert: (sql, rows) => insertFrom(sql, nextValues(rows)),
    queue: (sql, values) => void queued.push(written(sql, values)),
    queueRows: async (sql, rows) => {
      const values = nextValues(rows);
      const [text, rest] = values;
      const isLarge = text.length > queuedCharacters || rest.length > 0;
      if (isLarge || queued.length >= mostQueued) await insertFrom(sql, values);
      else if (text !== '') queued.push(withValues(sql, text));
    },
    flush: async () => {
      const last = queued.pop();
      if (last !== undefined) await send(last);
    },
    dropQueued: () => {
      queued = [];
    },
    isLost: () => lost !== null,
    cut: () => lose(fatal('the connection was closed')),
    quit: () => quit(driver, () => lose(fatal('the connection was closed'))),
  };
}

const rememberedStatements = 250;

/**
 * Statements with the names of tables in place of `state.name`, as the server needs them. Cached: they are constants.
 */
function createStatementTexts(prefix: string, server: () => Server | null): (sql: string) => string {
  const named = createLruMap<string, string>(rememberedStatements);
  return (sql) => {
    let text = named.get(sql);
    if (text === undefined) {
      text = sql.replaceAll(/\bstate\.(\w+)/g, (_, name: string) => `\`${prefix}${name}\``);
      const known = server();
      if (known !== null) text = adaptStatement(known, text);
      named.set(sql, text);
    }
    return text;
  };
}

/** @returns the first rows as text, as many as one statement takes, and the rest of the rows. */
function nextValues(rows: Rows): readonly [text: string, rest: Rows] {
  let text = '';
  for (const [at, row] of rows.entries()) {
    text += `${at === 0 ? '' : ','}(${row.map(textOfValue).join()})`;
    if (at + 1 === perStatement.rows || text.length >= perStatement.characters) return [text, rows.slice(at + 1)];
  }
  return [text, []];
}

/** Most values are numbers, which need no escaping. */
function textOfValue(value: MysqlValue): string {
  return typeof value === 'number' ? String(value) : escape(value as string | Uint8Array | null);
}

async function quit(driver: Connection, cut: () => void): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    driver.end(() => resolve());
  });
  await within(1_000, ended);
  cut();
}

function fatal(message: string): Error {
  return Object.assign(new Error(message), { fatal: true });
}

/** Milliseconds since 1970 by the clock that all instances share. */
export type DatabaseClock = (connection: MysqlConnection) => Promise<number>;

export const databaseTime: DatabaseClock = async (connection) => {
  const [row] = await connection.rows('SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS ms');
  return Number(row?.['ms']);
};
