import { statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementResultingChanges, type StatementSync } from 'node:sqlite';
import { reason, SamsaError } from '../errors.ts';

export type SqliteOptions = {
  /** The schema, one step per version, oldest first; applied once each. Never edit a step that has shipped. */
  readonly migrations: readonly string[];
  /** How long a statement waits for another connection's write; at most 50 on a thread that answers requests. */
  readonly busyTimeoutMs: number;
  /** `full` syncs every commit (power cuts), `normal` leaves it to checkpoints (killed processes). */
  readonly sync?: 'normal' | 'full';
  /** True when a checkpoint thread looks after this file, so that no commit here ever pays for a checkpoint. */
  readonly checkpointedElsewhere?: boolean;
  /**
   * Else: how long the write-ahead log may become, 4 MB unless given, before a commit carries it into the file. More
   * is faster where much is written, since a page that changes often is carried once.
   */
  readonly checkpointBytes?: number;
  readonly cacheKiB?: number;
};

const openWithinMs = 2_000;

/** One connection to one SQLite file in WAL mode. */
export type SqliteDatabase = {
  readonly path: string;
  /** A statement, prepared once per text. Rows come as objects. */
  readonly prepare: (sql: string) => StatementSync;
  /**
   * Runs `body` in an immediate transaction and rolls back when it throws.
   * @throws SamsaError `store-unavailable` (retryable) when the file is busy, full, read-only or failing.
   */
  readonly transaction: <Result>(body: () => Result) => Result;
  /** Changes whenever another connection, also of another process, has committed. */
  readonly dataVersion: () => number;
  readonly close: () => void;
};

/**
 * Opens or makes a SQLite file and brings its schema up to date.
 * @throws SamsaError `state-too-new` when a newer program wrote it, `data-folder-unusable` when it is no database or
 *   cannot be written, `store-unavailable` (retryable) when others keep it locked for two seconds.
 */
export function openSqlite(path: string, options: SqliteOptions): SqliteDatabase {
  const connection = connect(path, options);
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = tellingAnyRowId(connection.prepare(sql));
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
 * `run` tells the id of the row the connection inserted last, and throws when it is above 2^53. FTS5 writes such rows of
 * its own when it notes down what was removed.
 */
function tellingAnyRowId(statement: StatementSync): StatementSync {
  if (statement.columns().length > 0) return statement;
  statement.setReadBigInts(true);
  const run: (...values: SQLInputValue[]) => StatementResultingChanges = statement.run.bind(statement);
  const tell = (...values: SQLInputValue[]): StatementResultingChanges => {
    const { changes, lastInsertRowid } = run(...values);
    return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
  };
  statement.run = tell as StatementSync['run'];
  return statement;
}

/**
 * Others that open the same new file at the same moment are waited for: SQLite itself refuses to, for lack of order. A
 * file that another one has taken the place of meanwhile is let go.
 */
function connect(path: string, options: SqliteOptions): DatabaseSync {
  const giveUpAtMs = performance.now() + openWithinMs;
  for (;;) {
    try {
      const connection = connectOnce(path, options);
      if (connection !== null) return connection;
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAtMs) throw openError(path, error);
      pause(5 + Math.random() * 20);
    }
  }
}

/** @returns null when the path leads to another file than before: which of them was opened is not known. */
function connectOnce(path: string, options: SqliteOptions): DatabaseSync | null {
  const before = fileNumber(path);
  const isReplaced = (): boolean => before !== null && fileNumber(path) !== before;
  const connection = new DatabaseSync(path, { timeout: options.busyTimeoutMs });
  try {
    connection.exec('PRAGMA journal_mode = WAL');
    connection.exec(`PRAGMA synchronous = ${options.sync === 'full' ? 'FULL' : 'NORMAL'}`);
    connection.exec(`PRAGMA cache_size = ${-(options.cacheKiB ?? 4096)}`);
    if (options.checkpointedElsewhere === true) connection.exec('PRAGMA wal_autocheckpoint = 0');
    else if (options.checkpointBytes !== undefined) checkpointAt(connection, options.checkpointBytes);
    migrate(path, connection, options.migrations);
    if (!isReplaced()) return connection;
  } catch (error) {
    connection.close();
    if (!isReplaced()) throw error;
  }
  if (connection.isOpen) connection.close();
  return null;
}

function fileNumber(path: string): bigint | null {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
}

function checkpointAt(connection: DatabaseSync, bytes: number): void {
  const pageBytes = Number(connection.prepare('PRAGMA page_size').get()?.['page_size']);
  connection.exec(`PRAGMA wal_autocheckpoint = ${Math.max(1, Math.floor(bytes / pageBytes))}`);
}

function openError(path: string, error: unknown): SamsaError {
  if (error instanceof SamsaError) return error;
  if (isBusy(error)) return storeError(path, error) as SamsaError;
  return new SamsaError(
    'data-folder-unusable',
    `${path}: expected a SQLite file that can be written, got: ${reason(error)}. ` +
      'Check the folder, its permissions and free space, or choose another with SAMSA_DATA.',
    { cause: error },
  );
}

/** Blocks this thread, which is starting and has nothing else to do. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function migrate(path: string, connection: DatabaseSync, migrations: readonly string[]): void {
  const version = (): number => Number(connection.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version() > migrations.length) {
    throw new SamsaError(
      'state-too-new',
      `${path}: expected schema version ${migrations.length} or older, got ${version()}. ` +
        'A newer Samsa wrote it: run that version, or choose another data folder.',
    );
  }
  if (version() === migrations.length) return;
  connection.exec('BEGIN IMMEDIATE');
  for (const step of migrations.slice(version())) connection.exec(step);
  connection.exec(`PRAGMA user_version = ${migrations.length}`);
  connection.exec('COMMIT');
}

const sqliteBusy = 5;

const passing: ReadonlyMap<number, string> = new Map([
  [sqliteBusy, 'another process is writing'],
  [8, 'the file is read-only'],
  [10, 'the disk reports an error'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened'],
]);

/** A SQLite error as ours: those that pass by themselves or by making room are `store-unavailable`. */
export function storeError(path: string, error: unknown): unknown {
  const problem = passing.get(resultCode(error) ?? 0);
  if (problem === undefined) return error;
  return new SamsaError('store-unavailable', `${path}: ${problem}`, { cause: error, retryable: true });
}

/** Whether another connection's lock is the reason, also of an error that `storeError` made. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === sqliteBusy || (error instanceof SamsaError && resultCode(error.cause) === sqliteBusy);
}

/** SQLite's primary result code, whatever the extended one adds; `null` for any other error. */
function resultCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
}
