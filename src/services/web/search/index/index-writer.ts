import type { ApplyChanges } from '../../../../progress/progress.ts';
import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import type { BookChanged } from '../../../../events/book-changed.ts';
import { topicRetention } from '../../../../events/topics.ts';
import { placeOf } from './book-place.ts';
import { indexedBook } from './indexed-book.ts';
import type { Written, WrittenBooks } from './index-file.ts';
import { lastForgottenMonth, type SearchChange } from './search-projection.ts';

export type IndexWriter = {
  /** For the commits of the projection. */
  readonly apply: ApplyChanges<SearchChange>;
  /** One change of a book in one transaction, by the same rule; positions stay. */
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

/** Counts what readers wanted, and moves the books they wanted up. */
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

/** Takes away interest that the log no longer holds, too. */
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

/** The points of all months that are kept. */
function interestOf(database: SqliteDatabase, bookId: number): number {
  return Number(
    database.prepare('SELECT sum(points) AS points FROM interest WHERE book_id = ?').get(bookId)?.['points'],
  );
}

/** The words a book is found by. */
type BookText = {
  readonly title: string;
  readonly author: string;
  readonly series: string;
  readonly subjects: string;
};

function insertText(database: SqliteDatabase, place: number, { title, author, series, subjects }: BookText): void {
  database
    .prepare('INSERT INTO book_text (rowid, title, author, series, subjects) VALUES (?, ?, ?, ?, ?)')
    .run(place, title, author, series, subjects);
}

function removeText(database: SqliteDatabase, place: number): void {
  database.prepare('DELETE FROM book_text WHERE rowid = ?').run(place);
}

/**
 * FTS5's own way to optimise in steps: a negative first step begins, positive ones go on until nothing is written.
 * @returns whether it wrote.
 */
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
