import type { SchemaOptions } from '../../../../sqlite/migrations.ts';
import { progressMigrations } from '../../../../progress/sqlite/progress.ts';
import { openSqlite, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import { removeSqliteFile } from '../../../../sqlite/file.ts';
import { reason, SamsaError } from '../../../../errors.ts';
import { tombstoneRetentionMs } from '../../../../events/topics.ts';
import { searchProjectionName, searchProjectionVersion } from './search-projection.ts';

/**
 * The index file. `book_text` is contentless: it finds places (`placeOf`), and everything shown or ranked by is in the
 * tables beside it. Its texts are words already, so the plain `ascii` tokenizer, which only parts them at spaces, sees
 * exactly the words queries are made of, `c++` and `.net` too. A removed book keeps its row, without a place, to know its version.
 */
const schema = `
  CREATE TABLE book (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    place INTEGER,
    own_popularity INTEGER NOT NULL DEFAULT 0,
    popularity INTEGER NOT NULL DEFAULT 0,
    title TEXT NOT NULL DEFAULT '',
    main_title_words INTEGER NOT NULL DEFAULT 0,
    author TEXT NOT NULL DEFAULT '',
    series TEXT NOT NULL DEFAULT '',
    subjects TEXT NOT NULL DEFAULT '',
    language TEXT,
    year INTEGER,
    isbn TEXT,
    shown_authors TEXT NOT NULL DEFAULT '',
    shown_subjects TEXT NOT NULL DEFAULT ''
  );
  CREATE INDEX book_by_popularity ON book (popularity DESC, id) WHERE place IS NOT NULL;
  CREATE INDEX book_by_isbn ON book (isbn) WHERE isbn IS NOT NULL;

  CREATE TABLE listed (id INTEGER PRIMARY KEY, json BLOB NOT NULL);

  CREATE TABLE interest (
    book_id INTEGER NOT NULL,
    month INTEGER NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (book_id, month)
  ) WITHOUT ROWID;
  CREATE INDEX interest_by_month ON interest (month);

  CREATE TABLE last_commit (only INTEGER PRIMARY KEY CHECK (only = 1), ms INTEGER NOT NULL);

  CREATE VIRTUAL TABLE book_text USING fts5(
    title, author, series, subjects,
    content='', contentless_delete=1, detail=column, prefix='1 2 3', tokenize="ascii tokenchars '+#.'"
  );
`;

export const searchIndexSchema: SchemaOptions = {
  migrations: [progressMigrations, { name: 'search', steps: [schema] }],
  countedTogether: ['progress', 'search', 'progress'],
};

/**
 * Opens the index for writing. A file that is damaged, of another version, or too old to be continued is deleted and
 * started again, after `onRebuild` was told why.
 * @throws SamsaError `data-folder-unusable` when no file can be written there either.
 */
export function openIndexForWriting(path: string, nowMs: number, onRebuild: (why: string) => void): SqliteDatabase {
  try {
    const database = open(path);
    const problem = findProblem(database, nowMs);
    if (problem === null) return database;
    database.close();
    onRebuild(problem);
  } catch (error) {
    if (error instanceof SamsaError && error.retryable) throw error;
    onRebuild(reason(error));
  }
  removeSqliteFile(path);
  return open(path);
}

function open(path: string): SqliteDatabase {
  return openSqlite(path, {
    ...searchIndexSchema,
    busyTimeoutMs: 5_000,
    cacheKiB: 8_192,
  });
}

function findProblem(database: SqliteDatabase, nowMs: number): string | null {
  const damage = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  if (damage !== 'ok') return String(damage);
  const version = database.prepare('SELECT version FROM projection WHERE name = ?').get(searchProjectionName)?.[
    'version'
  ];
  if (version !== undefined && version !== searchProjectionVersion) {
    return `it is of version ${String(version)}, this program makes version ${searchProjectionVersion}`;
  }
  const committedMs = database.prepare('SELECT ms FROM last_commit').get()?.['ms'];
  if (committedMs !== undefined && nowMs - Number(committedMs) > tombstoneRetentionMs) {
    // It may have missed removals whose tombstones are gone.
    return 'it was last written more than 30 days ago';
  }
  return null;
}

export type WrittenBooks = {
  readonly bookIds: readonly number[];
  /** Whether any of them is found by other words than before, or in another place. */
  readonly moved: boolean;
};

/** What an open transaction, or some of them, have written. */
export type Written = { readonly bookIds: Set<number>; moved: boolean };
