import { DatabaseSync, type SQLInputValue, type StatementResultingChanges, type StatementSync } from 'node:sqlite';
import { fileIdentity } from '../runtime/files.ts';
import { isBusy, openError, storeError } from './errors.ts';
import { isOlder, migrate, type SchemaOptions } from './migrations.ts';
import { upsert, type SqlValue, type Step, type Steps } from '../sql/statements.ts';

export type SqliteOptions = SchemaOptions & {
  /** How long a statement waits for another connection's write; at most 50 on a thread that answers requests. */
  readonly busyTimeoutMs: number;
  /** `full` syncs every commit (power cuts), `normal` leaves it to checkpoints (killed processes). */
  readonly sync?: 'normal' | 'full';
  /** True when a checkpoint thread looks after this file, so that no commit here ever pays for a checkpoint. */
  readonly checkpointedElsewhere?: boolean;
  /**
   * Without a checkpoint thread: how long the write-ahead log may become before a commit writes it into the file.
   * Default 4 MB. More is faster where much is written, since a page that changes often is written once.
   */
  readonly checkpointBytes?: number;
  readonly cacheKiB?: number;
};

const openWithinMs = 2_000;
/** How long to wait while another process migrates an older file, which may take as long as copying it. */
const migratedWithinMs = 600_000;

/** One connection to one SQLite file in WAL mode. */
export type SqliteDatabase = {
  readonly path: string;
  /**
   * A statement, prepared once per text. Rows come as objects. It throws SamsaError `store-unavailable` (retryable)
   * when the file is busy, full, read-only or failing, and `store-damaged`; while iterating, SQLite's own error.
   */
  readonly prepare: (sql: string) => StatementSync;
  /**
   * Runs `body` in an immediate transaction and rolls back when it throws.
   * @throws SamsaError as statements do.
   */
  readonly transaction: <Result>(body: () => Result) => Result;
  /** Changes whenever another connection, also of another process, has committed. */
  readonly dataVersion: () => number;
  readonly close: () => void;
};

/**
 * Opens or creates a SQLite file and brings its schema up to date.
 * @throws SamsaError `state-too-new` when a newer program wrote it, `store-damaged`, `data-folder-unusable` when it
 *   cannot be written, `store-unavailable` (retryable) when others keep it locked for two seconds.
 */
export function openSqlite(path: string, options: SqliteOptions): SqliteDatabase {
  const connection = connect(path, options);
  const statements = new Map<string, StatementSync>();
  const translate = (error: unknown): unknown => storeError(path, error);
  const prepareNew = (sql: string): StatementSync => {
    try {
      return translateErrors(connection, connection.prepare(sql), translate);
    } catch (error) {
      throw translate(error);
    }
  };
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = prepareNew(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  const transaction = <Result>(body: () => Result): Result => {
    try {
      prepare('BEGIN IMMEDIATE').run();
      const result = body();
      prepare('COMMIT').run();
      return result;
    } catch (error) {
      if (connection.isTransaction) connection.exec('ROLLBACK');
      throw storeError(path, error);
    }
  };
  return {
    path,
    prepare,
    transaction,
    dataVersion: () => Number(Object.values(prepare('PRAGMA data_version').get() ?? {})[0]),
    close: () => {
      statements.clear();
      if (connection.isOpen) connection.close();
    },
  };
}

/**
 * Waits while other processes create the same file, because SQLite itself does not wait then. Opens again when another
 * file has replaced this one.
 */
function connect(path: string, options: SqliteOptions): DatabaseSync {
  const startedMs = performance.now();
  for (;;) {
    try {
      const connection = connectOnce(path, options);
      if (connection !== null) return connection;
    } catch (error) {
      const patienceMs = isBusy(error) && isBeingMigrated(path, options) ? migratedWithinMs : openWithinMs;
      if (!isBusy(error) || performance.now() > startedMs + patienceMs) throw openError(path, error);
      blockFor(5 + Math.random() * 20);
    }
  }
}

function isBeingMigrated(path: string, options: SchemaOptions): boolean {
  try {
    const connection = new DatabaseSync(path, { readOnly: true });
    try {
      return isOlder(path, connection, options);
    } finally {
      connection.close();
    }
  } catch {
    return false;
  }
}

/** @returns null when another file replaced this one meanwhile: it is not known which of them was opened. */
function connectOnce(path: string, options: SqliteOptions): DatabaseSync | null {
  const before = fileIdentity(path);
  const isReplaced = (): boolean => before !== null && fileIdentity(path) !== before;
  const connection = new DatabaseSync(path, { timeout: options.busyTimeoutMs });
  try {
    connection.exec('PRAGMA journal_mode = WAL');
    connection.exec(`PRAGMA synchronous = ${options.sync === 'full' ? 'FULL' : 'NORMAL'}`);
    connection.exec(`PRAGMA cache_size = ${-(options.cacheKiB ?? 4096)}`);
    if (options.checkpointedElsewhere === true) connection.exec('PRAGMA wal_autocheckpoint = 0');
    else if (options.checkpointBytes !== undefined) checkpointAt(connection, options.checkpointBytes);
    migrate(path, connection, options);
    if (!isReplaced()) return connection;
  } catch (error) {
    connection.close();
    if (!isReplaced()) throw error;
  }
  if (connection.isOpen) connection.close();
  return null;
}

function checkpointAt(connection: DatabaseSync, bytes: number): void {
  const pageBytes = Number(connection.prepare('PRAGMA page_size').get()?.['page_size']);
  connection.exec(`PRAGMA wal_autocheckpoint = ${Math.max(1, Math.floor(bytes / pageBytes))}`);
}

/** Blocks this thread, which is starting and has nothing else to do. */
function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Wraps a statement. Its errors become SamsaErrors, except while iterating. */
function translateErrors(
  connection: DatabaseSync,
  statement: StatementSync,
  translate: (error: unknown) => unknown,
): StatementSync {
  const translating =
    <Result>(method: (...values: SQLInputValue[]) => Result) =>
    (...values: SQLInputValue[]): Result => {
      try {
        return method.apply(statement, values);
      } catch (error) {
        throw translate(error);
      }
    };
  statement.get = translating(statement.get) as StatementSync['get'];
  statement.all = translating(statement.all) as StatementSync['all'];
  const run = statement.columns().length > 0 ? statement.run : runWithAnyRowId(connection, statement);
  statement.run = translating(run) as StatementSync['run'];
  return statement;
}

/**
 * Node throws for row ids above 2^53, after the statement has run: FTS5 writes such rows when something is removed.
 * This rounds them instead. Reading every id as a big integer would cost all statements
 * a tenth of their time, so a statement does it from the first such row on.
 */
function runWithAnyRowId(
  connection: DatabaseSync,
  statement: StatementSync,
): (...values: SQLInputValue[]) => StatementResultingChanges {
  const run: (...values: SQLInputValue[]) => StatementResultingChanges = statement.run.bind(statement);
  let readsBigIntegers = false;
  return (...values) => {
    try {
      const result = run(...values);
      if (!readsBigIntegers) return result;
      return { changes: Number(result.changes), lastInsertRowid: Number(result.lastInsertRowid) };
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
      statement.setReadBigInts(true);
      readsBigIntegers = true;
      const read = 'SELECT changes() AS changes, CAST(last_insert_rowid() AS REAL) AS lastInsertRowid';
      return { ...connection.prepare(read).get() } as unknown as StatementResultingChanges;
    }
  };
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_OUT_OF_RANGE';
}

type Connection = { readonly prepare: (sql: string) => StatementSync };

/** Runs steps at once, on a connection or inside its open transaction. @throws as its statements do. */
export function runSteps<Result>(connection: Connection, steps: Steps<Result>): Result {
  let next = steps.next();
  while (next.done !== true) next = steps.next(execute(connection, next.value));
  return next.value;
}

function execute(connection: Connection, step: Step): unknown {
  if (step.kind === 'upsert') {
    const statement = connection.prepare(upsert(step.table, 'sqlite'));
    for (const row of step.rows) statement.run(...row);
    return undefined;
  }
  if (step.kind === 'several') return step.queries.map((query) => execute(connection, { kind: 'rows', ...query }));
  const statement = connection.prepare(inSqlite(step.sql, step.values));
  const values = step.values.map(valueOf);
  return step.kind === 'rows' ? statement.all(...values) : Number(statement.run(...values).changes);
}

/**
 * SQLite has no list of values, but reads one from JSON, in which bytes are hexadecimal. It has no locks of rows
 * either: a transaction that writes holds the only lock there is.
 */
function inSqlite(sql: string, values: readonly (SqlValue | readonly SqlValue[])[]): string {
  if (values.some(isList)) return translated(sql, values);
  const known = withoutLists.get(sql) ?? translated(sql, []);
  withoutLists.set(sql, known);
  return known;
}

/** Translated statements: translating one takes as long as running a short one. */
const withoutLists = new Map<string, string>();

function translated(sql: string, values: readonly (SqlValue | readonly SqlValue[])[]): string {
  let at = 0;
  return sql.replaceAll(/\bstate\.|\?|\bFOR UPDATE( SKIP LOCKED)?/g, (found) => {
    if (found !== '?') return '';
    const value = values[at++];
    if (!isList(value)) return '?';
    return `SELECT ${value[0] instanceof Uint8Array ? 'unhex(value)' : 'value'} FROM json_each(?)`;
  });
}

function valueOf(value: SqlValue | readonly SqlValue[]): SQLInputValue {
  if (!isList(value)) return value;
  return JSON.stringify(value.map((one) => (one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one)));
}

function isList(value: SqlValue | readonly SqlValue[] | undefined): value is readonly SqlValue[] {
  return Array.isArray(value);
}
