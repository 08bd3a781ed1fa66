import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { SamsaError } from '../errors.ts';
import { isBusy, openError, storeError } from './errors.ts';
import { mannered } from './statement.ts';

/** One step of a schema: statements, or what runs them where they depend on what is there. */
export type Migration = string | ((connection: DatabaseSync) => void);

export type SqliteOptions = {
  /** The schema, one step per version, oldest first; applied once each. Never edit a step that has shipped. */
  readonly migrations: readonly Migration[];
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
/** While another one brings an older file up to date, which may take as long as copying it. */
const migratedWithinMs = 600_000;

/** One connection to one SQLite file in WAL mode. */
export type SqliteDatabase = {
  readonly path: string;
  /**
   * A statement, prepared once per text. Rows come as objects. It throws SamsaError `store-unavailable` (retryable) when
   * the file is busy, full, read-only or failing, and `store-damaged`; while iterating, SQLite's own error.
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
 * Opens or makes a SQLite file and brings its schema up to date.
 * @throws SamsaError `state-too-new` when a newer program wrote it, `store-damaged`, `data-folder-unusable` when it
 *   cannot be written, `store-unavailable` (retryable) when others keep it locked for two seconds.
 */
export function openSqlite(path: string, options: SqliteOptions): SqliteDatabase {
  const connection = connect(path, options);
  const statements = new Map<string, StatementSync>();
  const translate = (error: unknown): unknown => storeError(path, error);
  const prepareNew = (sql: string): StatementSync => {
    try {
      return mannered(connection.prepare(sql), translate);
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
 * Others that open the same new file at the same moment are waited for: SQLite itself refuses to, for lack of order. A
 * file that another one has taken the place of meanwhile is let go.
 */
function connect(path: string, options: SqliteOptions): DatabaseSync {
  const startedMs = performance.now();
  for (;;) {
    try {
      const connection = connectOnce(path, options);
      if (connection !== null) return connection;
    } catch (error) {
      const patienceMs = isBusy(error) && isOlder(path, options.migrations) ? migratedWithinMs : openWithinMs;
      if (!isBusy(error) || performance.now() > startedMs + patienceMs) throw openError(path, error);
      blockFor(5 + Math.random() * 20);
    }
  }
}

/** Whether the file has been in use, and needs steps that this program knows. */
function isOlder(path: string, migrations: readonly Migration[]): boolean {
  try {
    const connection = new DatabaseSync(path, { readOnly: true });
    try {
      const version = schemaVersion(connection);
      return version > 0 && version < migrations.length;
    } finally {
      connection.close();
    }
  } catch {
    return false;
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

/** Blocks this thread, which is starting and has nothing else to do. */
function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function schemaVersion(connection: DatabaseSync): number {
  return Number(connection.prepare('PRAGMA user_version').get()?.['user_version']);
}

function migrate(path: string, connection: DatabaseSync, migrations: readonly Migration[]): void {
  const version = (): number => schemaVersion(connection);
  if (version() > migrations.length) {
    throw new SamsaError(
      'state-too-new',
      `${path}: expected schema version ${migrations.length} or older, got ${version()}. ` +
        'A newer Samsa wrote it: run that version, or choose another data folder.',
    );
  }
  if (version() === migrations.length) return;
  connection.exec('BEGIN IMMEDIATE');
  for (const step of migrations.slice(version())) {
    if (typeof step === 'string') connection.exec(step);
    else step(connection);
  }
  connection.exec(`PRAGMA user_version = ${migrations.length}`);
  connection.exec('COMMIT');
}
