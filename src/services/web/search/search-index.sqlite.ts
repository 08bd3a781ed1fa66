import type { ApplyChanges } from '../../../database/progress.ts';
import { deadLetterDecisions } from '../../../database/sqlite-dead-letters.ts';
import { openSqlite, type SqliteDatabase } from '../../../database/sqlite-database.ts';
import { removeSqliteFile } from '../../../database/sqlite-file.ts';
import { progressSchema } from '../../../database/sqlite-progress.ts';
import { reason, SamsaError } from '../../../errors.ts';
import type { BookChanged } from '../../../events/book-changed.ts';
import { tombstoneRetentionMs, topicRetention } from '../../../events/topics.ts';
import { placeOf } from './book-place.ts';
import { indexedBook } from './indexed-book.ts';
import {
  lastForgottenMonth,
  searchProjectionName,
  searchProjectionVersion,
  type SearchChange,
} from './search-projection.ts';

/**
 * The index file. `book_text` is contentless: it finds places (`placeOf`), and everything shown or ranked by is in the
 * tables beside it. Its texts are words already, so the plain `ascii` tokenizer, which only parts them at spaces, sees
 * exactly the words queries are made of. A removed book keeps its row, without a place, to know its version.
 */
export const searchIndexSchema = `
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
    content='', contentless_delete=1, detail=column, prefix='1 2 3', tokenize='ascii'
  );
`;

/**
 * Opens the index for writing. A file that is damaged, of another version, or too old to be continued is deleted and
 * begun anew, after `onRebuild` was told why.
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
    migrations: [progressSchema, searchIndexSchema, deadLetterDecisions],
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
type Written = { readonly bookIds: Set<number>; moved: boolean };

export type IndexWriter = {
  /** For the commits of the projection. */
  readonly apply: ApplyChanges<SearchChange>;
  /** One change of a book in a transaction of its own, by the same rule; positions stay. */
  readonly applyAtOnce: (change: BookChanged) => void;
  /** What was written since the last call. */
  readonly takeWritten: () => WrittenBooks;
  /**
   * A little work towards one merged index, which answers twice as fast as one of many pieces; call it now and then
   * while nothing else is to do. Costs nothing once it is done.
   */
  readonly tidy: () => void;
};

const tidyAfterBooks = 500;
/** Pages one step of tidying may write: a few milliseconds. */
const tidyPages = 200;

export function createIndexWriter(database: SqliteDatabase, clock: () => number): IndexWriter {
  let written: Written = { bookIds: new Set(), moved: false };
  let untidy = tidyAfterBooks;
  let tidying = false;
  return {
    apply: (changes, watermarkMs) => {
      for (const change of changes) if (change.kind === 'book') applyBook(database, change, written);
      addInterest(database, changes, written);
      forgetInterest(database, watermarkMs, written);
      database.prepare('INSERT INTO last_commit VALUES (1, ?) ON CONFLICT DO UPDATE SET ms = excluded.ms').run(clock());
    },
    applyAtOnce: (change) => database.transaction(() => applyBook(database, change, written)),
    takeWritten: () => {
      const { bookIds, moved } = written;
      written = { bookIds: new Set(), moved: false };
      untidy += bookIds.size;
      return { bookIds: [...bookIds], moved };
    },
    tidy: () => {
      if (!tidying && untidy < tidyAfterBooks) return;
      untidy = 0;
      const wrote = mergeText(database, tidying ? tidyPages : -tidyPages);
      tidying = wrote;
    },
  };
}

function applyBook(database: SqliteDatabase, { bookId, version, book }: BookChanged, written: Written): void {
  const stored = database.prepare('SELECT version, place FROM book WHERE id = ?').get(bookId);
  if (stored !== undefined && Number(stored['version']) >= version) return;
  written.bookIds.add(bookId);
  written.moved = true;
  if (stored !== undefined && stored['place'] !== null) removeText(database, Number(stored['place']));
  if (book === null) {
    database.prepare('INSERT OR REPLACE INTO book (id, version) VALUES (?, ?)').run(bookId, version);
    database.prepare('DELETE FROM listed WHERE id = ?').run(bookId);
    return;
  }
  const indexed = indexedBook(book);
  const popularity = indexed.popularity + interestOf(database, bookId);
  const place = placeOf(bookId, popularity);
  insertText(database, place, indexed);
  database
    .prepare('INSERT OR REPLACE INTO book VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      bookId,
      version,
      place,
      indexed.popularity,
      popularity,
      indexed.title,
      indexed.mainTitleWords,
      indexed.author,
      indexed.series,
      indexed.subjects,
      indexed.language,
      indexed.year,
      indexed.isbn,
      indexed.shownAuthors,
      indexed.shownSubjects,
    );
  database.prepare('INSERT OR REPLACE INTO listed VALUES (?, ?)').run(bookId, indexed.json);
}

function addInterest(database: SqliteDatabase, changes: readonly SearchChange[], written: Written): void {
  const raised = new Map<string, { bookId: number; month: number; points: number }>();
  for (const change of changes) {
    if (change.kind !== 'interest' || change.bookId === null || change.points === 0) continue;
    const { bookId, month, points } = change;
    const name = `${bookId}/${month}`;
    raised.set(name, { bookId, month, points: points + (raised.get(name)?.points ?? 0) });
  }
  const add = database.prepare(
    'INSERT INTO interest VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET points = points + excluded.points',
  );
  for (const { bookId, month, points } of raised.values()) add.run(bookId, month, points);
  for (const bookId of new Set([...raised.values()].map(({ bookId }) => bookId))) {
    updatePopularity(database, bookId, written);
  }
}

function forgetInterest(database: SqliteDatabase, watermarkMs: number, written: Written): void {
  const { retentionMs } = topicRetention.actions;
  if (retentionMs === 0) return;
  const month = lastForgottenMonth(watermarkMs, retentionMs);
  const forgotten = database.prepare('SELECT DISTINCT book_id AS id FROM interest WHERE month <= ?').all(month);
  if (forgotten.length === 0) return;
  database.prepare('DELETE FROM interest WHERE month <= ?').run(month);
  for (const { id } of forgotten) updatePopularity(database, Number(id), written);
}

function updatePopularity(database: SqliteDatabase, bookId: number, written: Written): void {
  const row = database
    .prepare('SELECT place, own_popularity, title, author, series, subjects FROM book WHERE id = ?')
    .get(bookId);
  if (row === undefined || row['place'] === null) return;
  written.bookIds.add(bookId);
  const popularity = Number(row['own_popularity']) + interestOf(database, bookId);
  const place = placeOf(bookId, popularity);
  database.prepare('UPDATE book SET popularity = ?, place = ? WHERE id = ?').run(popularity, place, bookId);
  if (place === row['place']) return;
  written.moved = true;
  removeText(database, Number(row['place']));
  insertText(database, place, row as BookText);
}

function interestOf(database: SqliteDatabase, bookId: number): number {
  return Number(
    database.prepare('SELECT sum(points) AS points FROM interest WHERE book_id = ?').get(bookId)?.['points'],
  );
}

type BookText = { readonly title: string; readonly author: string; readonly series: string; readonly subjects: string };

function insertText(database: SqliteDatabase, place: number, { title, author, series, subjects }: BookText): void {
  database
    .prepare('INSERT INTO book_text (rowid, title, author, series, subjects) VALUES (?, ?, ?, ?, ?)')
    .run(place, title, author, series, subjects);
}

function removeText(database: SqliteDatabase, place: number): void {
  database.prepare('DELETE FROM book_text WHERE rowid = ?').run(place);
}

/** FTS5's own way to optimise in steps: a negative first step begins, positive ones go on until nothing is written. */
function mergeText(database: SqliteDatabase, pages: number): boolean {
  return database.transaction(() => {
    const before = totalChanges(database);
    database.prepare("INSERT INTO book_text (book_text, rank) VALUES ('merge', ?)").run(pages);
    return totalChanges(database) - before >= 2;
  });
}

function totalChanges(database: SqliteDatabase): number {
  return Number(database.prepare('SELECT total_changes() AS n').get()?.['n']);
}
