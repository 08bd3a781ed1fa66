import type { ApplyChanges } from '../../../../progress/progress.ts';
import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import type { BookChanged } from '../../../../events/book-changed.ts';
import { topicRetention } from '../../../../events/topics.ts';
import { placeOf, bookRow, listedJson, marksOf, searchWords, titleMarks, yearMarks, type BookRow } from './book-row.ts';
import type { WrittenBook, WrittenBooks } from './index-file.ts';
import { lastForgottenMonth, type SearchChange } from './search-projection.ts';

export type IndexWriter = {
  /** Writes the changes of a commit of the projection. */
  readonly apply: ApplyChanges<SearchChange>;
  /** Writes one change of a book in its own transaction, by the same rule. Positions stay as they are. */
  readonly applyAtOnce: (change: BookChanged) => void;
  /** What was written since the last call. */
  readonly takeWritten: () => WrittenBooks;
  /**
   * Merges a few pieces of the FTS5 index. An index of one piece answers twice as fast as one of many. Call it now and
   * then while there is nothing else to do; it costs nothing when all is merged.
   */
  readonly tidy: () => void;
};

/**
 * Beyond this many, the list of written books is `'many'`. Taking them in holds up the request thread, about 30 µs
 * each.
 */
const toldAtMost = 500;
const tidyAfterBooks = 500;
/** How many pages one step of tidying may write: a few milliseconds. */
const tidyPages = 200;
const columns =
  'place, title, title_words, main_title_words, author, series, subjects, other_titles, language, year, isbn';

/** A book's place and row before and after a commit. */
type Touched = { from: number | null; version: number | null; own: number | null; row: BookRow | null };

export function createIndexWriter(database: SqliteDatabase, clock: () => number): IndexWriter {
  let written: WrittenBook[] | null = [];
  let untidy = tidyAfterBooks;
  let tidying = false;
  const marksMet = new Set<string>();
  const known = database.prepare('SELECT version, own_popularity AS own, popularity FROM known WHERE id = ?');
  const know = database.prepare('INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)');
  const readRow = database.prepare(`SELECT ${columns} FROM book WHERE place = ?`);
  const removeRow = database.prepare('DELETE FROM book WHERE place = ?');
  const removeWords = database.prepare('DELETE FROM book_text WHERE rowid = ?');
  const insertRow = database.prepare(`INSERT INTO book (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const insertWords = database.prepare('INSERT INTO book_text (rowid, words) VALUES (?, ?)');
  const list = database.prepare('INSERT OR REPLACE INTO listed VALUES (?, ?)');
  const unlist = database.prepare('DELETE FROM listed WHERE id = ?');
  const addMark = database.prepare('INSERT OR IGNORE INTO sort_mark VALUES (?)');
  const raise = database.prepare(
    'INSERT INTO interest VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET points = max(points, excluded.points)',
  );
  const interest = database.prepare('SELECT sum(points) AS points FROM interest WHERE book_id = ?');
  const booksOfReader = database.prepare('SELECT DISTINCT book_id AS id FROM interest WHERE reader = ?');
  const removeReader = database.prepare('DELETE FROM interest WHERE reader = ?');

  const lookUp = (bookId: number): Touched => {
    const found = known.get(bookId);
    if (found === undefined) return { from: null, version: null, own: null, row: null };
    const { version, own, popularity } = found;
    const from = popularity === null ? null : placeOf(bookId, Number(popularity));
    return { from, version: Number(version), own: own === null ? null : Number(own), row: null };
  };

  const applyBook = (touched: Map<number, Touched>, { bookId, version, book }: BookChanged): void => {
    const state = touched.get(bookId) ?? lookUp(bookId);
    if (state.version !== null && state.version >= version) return;
    state.version = version;
    state.own = book === null ? null : Math.min(book.popularity ?? 0, mostPopularity);
    state.row = book === null ? null : bookRow(book);
    touched.set(bookId, state);
    if (book === null) unlist.run(bookId);
    else list.run(bookId, listedJson(book));
  };

  const touch = (touched: Map<number, Touched>, bookId: number): void => {
    if (!touched.has(bookId)) touched.set(bookId, lookUp(bookId));
  };

  /** Writes rows by rising place: FTS5 begins a new piece whenever a rowid is smaller than the one before. */
  const write = (touched: ReadonlyMap<number, Touched>): void => {
    const rows: (WrittenBook & { readonly row: BookRow; readonly to: number })[] = [];
    for (const [bookId, { from, version, own, row }] of touched) {
      const popularity = own === null ? null : own + Number(interest.get(bookId)?.['points'] ?? 0);
      const to = popularity === null ? null : placeOf(bookId, popularity);
      if (version !== null) know.run(bookId, version, own, popularity);
      if (row === null && from === to) continue;
      const stays = row ?? (from === null ? null : rowOf(readRow.get(from)));
      if (from !== null) {
        removeRow.run(from);
        removeWords.run(from);
      }
      if (to !== null && stays !== null) rows.push({ bookId, from, to, row: stays });
      else tell({ bookId, from, to: null, row: null });
    }
    rows.sort((one, other) => one.to - other.to);
    for (const book of rows) {
      insert(book.to, book.row);
      tell(book);
    }
  };

  const insert = (place: number, row: BookRow): void => {
    const { title, titleWords, mainTitleWords, author, series, subjects, otherTitles, language, year, isbn } = row;
    insertRow.run(
      place,
      title,
      titleWords,
      mainTitleWords,
      author,
      series,
      subjects,
      otherTitles,
      language,
      year,
      isbn,
    );
    const marks = marksOf(row);
    insertWords.run(place, `${searchWords(row).join(' ')} ${marks.join(' ')}`);
    for (const mark of marks) {
      if (marksMet.has(mark) || !(mark.startsWith(titleMarks) || mark.startsWith(yearMarks))) continue;
      marksMet.add(mark);
      addMark.run(mark);
    }
  };

  const tell = (book: WrittenBook): void => {
    untidy++;
    if (written === null) return;
    if (written.length < toldAtMost) written.push(book);
    else written = null;
  };

  const forgetReader = (touched: Map<number, Touched>, reader: number): void => {
    for (const { id } of booksOfReader.all(reader)) touch(touched, Number(id));
    removeReader.run(reader);
  };

  const forgetInterest = (touched: Map<number, Touched>, watermarkMs: number): void => {
    const { retentionMs } = topicRetention.actions;
    if (retentionMs === 0) return;
    const month = lastForgottenMonth(watermarkMs, retentionMs);
    const forgotten = database.prepare('SELECT DISTINCT book_id AS id FROM interest WHERE month <= ?').all(month);
    if (forgotten.length === 0) return;
    database.prepare('DELETE FROM interest WHERE month <= ?').run(month);
    for (const { id } of forgotten) touch(touched, Number(id));
  };

  return {
    apply: (changes, watermarkMs) => {
      const touched = new Map<number, Touched>();
      for (const change of changes) {
        if (change.kind === 'book') applyBook(touched, change);
        else if (change.kind === 'forgotten') forgetReader(touched, change.reader);
        else if (change.points > 0) {
          raise.run(change.bookId, change.month, change.reader, change.points);
          touch(touched, change.bookId);
        }
      }
      forgetInterest(touched, watermarkMs);
      write(touched);
      database.prepare('INSERT INTO last_commit VALUES (1, ?) ON CONFLICT DO UPDATE SET ms = excluded.ms').run(clock());
    },
    applyAtOnce: (change) =>
      database.transaction(() => {
        const touched = new Map<number, Touched>();
        applyBook(touched, change);
        write(touched);
      }),
    takeWritten: () => {
      const taken = written ?? 'many';
      written = [];
      return taken;
    },
    tidy: () => {
      if (!tidying && untidy < tidyAfterBooks) return;
      untidy = 0;
      tidying = mergeText(database, tidying ? tidyPages : -tidyPages);
    },
  };
}

/** More than any shop counts, and small enough to stay exact when readers add to it. */
const mostPopularity = 1e12;

function rowOf(row: Record<string, unknown> | undefined): BookRow | null {
  if (row === undefined) return null;
  const { title, title_words: titleWords, author, series, subjects, other_titles: otherTitles, language } = row;
  return {
    ...({ title, titleWords, author, series, subjects, otherTitles, language } as BookRow),
    mainTitleWords: Number(row['main_title_words']),
    year: row['year'] === null ? null : Number(row['year']),
    isbn: row['isbn'] === null ? null : Number(row['isbn']),
  };
}

/**
 * FTS5's incremental merge: a negative first step begins it, positive steps continue until nothing is written.
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
