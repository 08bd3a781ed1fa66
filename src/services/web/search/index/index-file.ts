import type { SchemaOptions } from '../../../../sqlite/migrations.ts';
import { progressMigrations } from '../../../../progress/sqlite/progress.ts';
import { openSqlite, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import { removeSqliteFile } from '../../../../sqlite/file.ts';
import { reason, SamsaError } from '../../../../errors.ts';
import { tombstoneRetentionMs } from '../../../../events/topics.ts';
import type { BookRow } from './book-row.ts';
import { searchProjectionName, searchProjectionVersion } from './search-projection.ts';

/**
 * The index file. `book` holds what books are ranked, filtered and sorted by, in the order of `placeOf`, so that the
 * most popular matches are neighbours on disk. `book_text` finds places and is contentless. Its texts are already cut
 * into words, so the plain `ascii` tokenizer, which only splits at spaces, yields exactly the words that queries have,
 * even `c++` and `.net`. `known` has the version of each book. A removed book has a version there, but no popularity
 * and no place.
 */
const schema = `
  CREATE TABLE book (
    place INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    title_words TEXT NOT NULL,
    main_title_words INTEGER NOT NULL,
    author TEXT NOT NULL,
    series TEXT,
    subjects TEXT,
    other_titles TEXT,
    language TEXT,
    year INTEGER,
    isbn INTEGER
  );
  CREATE INDEX book_by_isbn ON book (isbn) WHERE isbn IS NOT NULL;

  CREATE TABLE known (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    own_popularity INTEGER,
    popularity INTEGER
  );

  CREATE TABLE listed (id INTEGER PRIMARY KEY, json BLOB NOT NULL);

  CREATE TABLE interest (
    book_id INTEGER NOT NULL,
    month INTEGER NOT NULL,
    reader INTEGER NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (book_id, month, reader)
  ) WITHOUT ROWID;
  CREATE INDEX interest_by_month ON interest (month);
  CREATE INDEX interest_by_reader ON interest (reader);

  CREATE TABLE sort_mark (mark TEXT PRIMARY KEY) WITHOUT ROWID;

  CREATE TABLE last_commit (only INTEGER PRIMARY KEY CHECK (only = 1), ms INTEGER NOT NULL);

  CREATE VIRTUAL TABLE book_text USING fts5(
    words,
    content='', contentless_delete=1, detail=none, prefix='1 2 3', tokenize="ascii tokenchars '+#.'"
  );
`;

export const searchIndexSchema: SchemaOptions = {
  migrations: [progressMigrations, { name: 'search', steps: [schema] }],
  countedTogether: ['progress', 'search', 'progress'],
};

/**
 * Opens the index for writing. A file that is damaged, has another version, or is too old to be continued is deleted
 * and started again. `onRebuild` is called first, with the reason.
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
    cacheKiB: 16_384,
  });
}

function findProblem(database: SqliteDatabase, nowMs: number): string | null {
  const version = database.prepare('SELECT version FROM projection WHERE name = ?').get(searchProjectionName)?.[
    'version'
  ];
  if (version !== undefined && version !== searchProjectionVersion) {
    return `it is of version ${String(version)}, this program makes version ${searchProjectionVersion}`;
  }
  const committedMs = database.prepare('SELECT ms FROM last_commit').get()?.['ms'];
  if (committedMs !== undefined && nowMs - Number(committedMs) > tombstoneRetentionMs) {
    // The file may contain removed books, because their tombstones have expired.
    return 'it was last written more than 30 days ago';
  }
  return null;
}

/** How a commit changed one book: its place before, its place now, and its row there. */
export type WrittenBook = {
  readonly bookId: number;
  readonly from: number | null;
  readonly to: number | null;
  readonly row: BookRow | null;
};

/** What commits have written; `'many'` when a list of single books would be too long. */
export type WrittenBooks = readonly WrittenBook[] | 'many';
