import type { ApplyChanges } from '../../../../progress/progress.ts';
import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import type { BookChanged } from '../../../../events/book-changed.ts';
import { addInterest, forgetInterest, interestOf } from './book-interest.ts';
import { placeOf } from './book-place.ts';
import { insertText, mergeText, removeText } from './book-text.ts';
import { indexedBook } from './indexed-book.ts';
import type { Written, WrittenBooks } from './index-file.ts';
import type { SearchChange } from './search-projection.ts';

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
