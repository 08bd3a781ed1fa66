import { openSqlite, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import type { Migrations } from '../../../../sqlite/migrations.ts';
import { storeError } from '../../../../sqlite/errors.ts';
import { createSqliteProgress, progressMigrations } from '../../../../progress/sqlite/progress.ts';
import type { BookChanged } from '../../../../events/book-changed.ts';
import type { Book } from '../../../../events/book.ts';
import { createForgetting } from './forget-old-taste.ts';
import { forgottenReaders, type ForgottenReaders } from './forgotten-readers.ts';
import { lastCommitSchema, rememberCommit, renewOldBooks } from './renew-books.ts';
import type { TasteChange, Verdict } from '../../recommendation-projection.ts';
import type { RecommendationStore, Taste } from '../recommendation-store.ts';

/** A liking has a row per strength, so that forgetting can take away exactly what happened before it. */
const tasteSchema = `
  CREATE TABLE book (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    change_number INTEGER NOT NULL,
    json TEXT
  );
  CREATE UNIQUE INDEX book_by_change ON book (change_number);

  CREATE TABLE liking (
    reader TEXT NOT NULL,
    book INTEGER NOT NULL,
    strength INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (reader, book, strength)
  ) WITHOUT ROWID;
  CREATE INDEX liking_by_book ON liking (book, reader);

  CREATE TABLE verdict (
    reader TEXT NOT NULL,
    book INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    holds INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    tie_break TEXT NOT NULL,
    PRIMARY KEY (reader, book, verdict)
  ) WITHOUT ROWID;

  CREATE TABLE search (
    reader TEXT NOT NULL,
    query TEXT NOT NULL,
    books TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    tie_break TEXT NOT NULL,
    PRIMARY KEY (reader, query)
  ) WITHOUT ROWID;

  CREATE TABLE forgotten (
    reader_hash TEXT PRIMARY KEY,
    until_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

const wantedSchema = "CREATE INDEX wanted_by_book ON verdict (book, reader) WHERE verdict = 'wanted' AND holds = 1";

const tasteMigrations: Migrations = { name: 'recommendation', steps: [tasteSchema, wantedSchema, lastCommitSchema] };
const countedTogether = ['progress', 'recommendation', 'recommendation', 'progress', 'recommendation'];

/** Searches and likings are by reader: every commit reads and changes pages all over the file. */
const cacheKiB = 16_384;

export type SqliteRecommendationOptions = {
  readonly clock: () => number;
  readonly busyTimeoutMs: number;
  readonly checkpointedElsewhere?: boolean;
  /** Given by the service that reads the books from this topic: it is told when a copy too old is begun anew. */
  readonly books?: { readonly topic: string; readonly onRenewal: () => void };
};

/** @throws SamsaError `state-too-new`, `data-folder-unusable`, `store-unavailable` (retryable). */
export function openSqliteRecommendationStore(path: string, options: SqliteRecommendationOptions): RecommendationStore {
  const { clock, busyTimeoutMs, checkpointedElsewhere = false, books } = options;
  const migrations = [progressMigrations, tasteMigrations];
  const database = openSqlite(path, { migrations, countedTogether, busyTimeoutMs, cacheKiB, checkpointedElsewhere });
  if (books !== undefined && renewOldBooks(database, books.topic, clock())) books.onRenewal();
  const forget = createForgetting(database);
  const progress = createSqliteProgress<readonly TasteChange[]>(database, clock, (changes, watermarkMs) => {
    const forgotten = forgottenReaders(database);
    for (const change of changes.flat()) apply(database, forgotten, change);
    forget(watermarkMs);
    rememberCommit(database, clock());
  });
  const read = async <Result>(body: () => Result): Promise<Result> => {
    try {
      return body();
    } catch (error) {
      throw storeError(path, error);
    }
  };
  return {
    ...progress,
    taste: (reader) => read(() => readTaste(database, reader)),
    popularBooks: (limit) =>
      read(() => countedBooks(database, `${likers} GROUP BY book ORDER BY readers DESC, book LIMIT ?`, limit)),
    readTogether: (bookId, limit) =>
      read(() =>
        countedBooks(
          database,
          `${likers} WHERE reader IN (SELECT reader FROM ${havings} WHERE book = ?) AND book <> ?
           GROUP BY book ORDER BY readers DESC, book LIMIT ?`,
          bookId,
          bookId,
          limit,
        ),
      ),
    booksSince: (changeNumber, limit) => read(() => readBooksSince(database, changeNumber, limit)),
    close: async () => database.close(),
  };
}

const havings =
  "(SELECT reader, book FROM liking UNION ALL SELECT reader, book FROM verdict WHERE verdict = 'wanted' AND holds = 1)";
const likers = `SELECT book, count(DISTINCT reader) AS readers FROM ${havings}`;

function apply(database: SqliteDatabase, forgotten: ForgottenReaders, change: TasteChange): void {
  switch (change.kind) {
    case 'book':
      return applyBook(database, change.change);
    case 'forgotten':
      forgotten.add(change.reader, change.time);
      return removeUpTo(database, change.reader, change.time);
    case 'searched':
      if (forgotten.covers(change.reader, change.time)) return;
      database
        .prepare(
          `INSERT INTO search VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
             books = excluded.books, time_ms = excluded.time_ms, tie_break = excluded.tie_break
           WHERE (excluded.time_ms, excluded.tie_break) > (time_ms, tie_break)`,
        )
        .run(change.reader, change.query, JSON.stringify(change.bookIds), change.time, change.tieBreak);
      return;
    case 'liked':
      if (forgotten.covers(change.reader, change.time)) return;
      database
        .prepare(
          'INSERT INTO liking VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET time_ms = max(time_ms, excluded.time_ms)',
        )
        .run(change.reader, change.bookId, change.strength, change.time);
      return;
    case 'judged':
      if (forgotten.covers(change.reader, change.time)) return;
      database
        .prepare(
          `INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
             holds = excluded.holds, time_ms = excluded.time_ms, tie_break = excluded.tie_break
           WHERE (excluded.time_ms, excluded.tie_break) > (time_ms, tie_break)`,
        )
        .run(change.reader, change.bookId, change.verdict, change.holds ? 1 : 0, change.time, change.tieBreak);
  }
}

/** Removed books are remembered with their version, so that an older change cannot bring them back. */
function applyBook(database: SqliteDatabase, { bookId, version, book }: BookChanged): void {
  database
    .prepare(
      `INSERT INTO book VALUES (?, ?, (SELECT coalesce(max(change_number), 0) + 1 FROM book), ?)
       ON CONFLICT (id) DO UPDATE SET
         version = excluded.version, change_number = excluded.change_number, json = excluded.json
       WHERE excluded.version > version`,
    )
    .run(bookId, version, book === null ? null : JSON.stringify(book));
}

function removeUpTo(database: SqliteDatabase, reader: string, time: number): void {
  for (const table of ['liking', 'verdict', 'search']) {
    database.prepare(`DELETE FROM ${table} WHERE reader = ? AND time_ms <= ?`).run(reader, time);
  }
}

function readTaste(database: SqliteDatabase, reader: string): Taste {
  const liked = database
    .prepare(
      `SELECT book, max(strength) AS strength, max(time_ms) AS time FROM liking WHERE reader = ?
       GROUP BY book ORDER BY time DESC, book LIMIT 100`,
    )
    .all(reader);
  const met = database.prepare('SELECT DISTINCT book FROM liking WHERE reader = ? ORDER BY book').all(reader);
  const searches = database
    .prepare('SELECT query, books, time_ms FROM search WHERE reader = ? ORDER BY time_ms DESC, query LIMIT 20')
    .all(reader);
  const verdicts = database
    .prepare('SELECT book, verdict, time_ms FROM verdict WHERE reader = ? AND holds = 1 ORDER BY time_ms DESC, book')
    .all(reader);
  return {
    liked: liked.map(({ book, strength, time }) => {
      return { bookId: Number(book), strength: Number(strength), time: Number(time) };
    }),
    met: met.map(({ book }) => Number(book)),
    searches: searches.map(({ query, books, time_ms }) => {
      return { query: query as string, bookIds: JSON.parse(books as string) as number[], time: Number(time_ms) };
    }),
    verdicts: verdicts.map(({ book, verdict, time_ms }) => {
      return { bookId: Number(book), verdict: verdict as Verdict, time: Number(time_ms) };
    }),
  };
}

function countedBooks(database: SqliteDatabase, sql: string, ...values: readonly number[]) {
  return database
    .prepare(sql)
    .all(...values)
    .map(({ book, readers }) => ({ bookId: Number(book), readers: Number(readers) }));
}

function readBooksSince(database: SqliteDatabase, changeNumber: number, limit: number) {
  return database
    .prepare('SELECT id, change_number, json FROM book WHERE change_number > ? ORDER BY change_number LIMIT ?')
    .all(changeNumber, limit)
    .map(({ id, change_number, json }) => ({
      bookId: Number(id),
      changeNumber: Number(change_number),
      book: json === null ? null : (JSON.parse(json as string) as Book),
    }));
}
