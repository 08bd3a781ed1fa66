import type { SqlValue } from '../../../sql/merge.ts';
import { columnText, rows, type Steps } from '../../../sql/steps.ts';
import type { Book } from '../../../events/book.ts';
import type { Verdict } from '../recommendation-projection.ts';
import type { BookRow, RecommendationStore, Taste } from './recommendation-store.ts';
import { readerHash } from './taste-tables.ts';

type CountedBook = { readonly bookId: number; readonly readers: number };

/**
 * What can be asked of a state, whichever database runs the statements: `together` has several see one moment, `single`
 * runs one.
 */
export function tasteReads(
  together: <Result>(steps: () => Steps<Result>) => Promise<Result>,
  single: <Result>(steps: () => Steps<Result>) => Promise<Result>,
): Pick<RecommendationStore, 'taste' | 'popularBooks' | 'readTogether' | 'booksSince'> {
  return {
    taste: (reader) => together(() => readTaste(reader)),
    popularBooks: (limit) => single(() => readPopularBooks(limit)),
    readTogether: (bookId, limit) => single(() => readTogether(bookId, limit)),
    booksSince: (changeNumber, limit) => single(() => readBooksSince(changeNumber, limit)),
  };
}

/** @see RecommendationStore.taste */
function* readTaste(reader: string): Steps<Taste> {
  const by = [readerHash(reader)];
  const liked = yield* rows(
    `SELECT book, MAX(strength) AS strength, MAX(time_ms) AS time FROM state.liking WHERE reader = ?
     GROUP BY book ORDER BY time DESC, book LIMIT 100`,
    by,
  );
  const met = yield* rows('SELECT DISTINCT book FROM state.liking WHERE reader = ? ORDER BY book', by);
  const searches = yield* rows(
    'SELECT query, books, time_ms FROM state.search WHERE reader = ? ORDER BY time_ms DESC, query, query_hash LIMIT 20',
    by,
  );
  const verdicts = yield* rows(
    `SELECT book, verdict, time_ms FROM state.verdict WHERE reader = ? AND holds = 1
     ORDER BY time_ms DESC, book, verdict`,
    by,
  );
  return {
    liked: liked.map((row) => {
      return { bookId: Number(row['book']), strength: Number(row['strength']), time: Number(row['time']) };
    }),
    met: met.map((row) => Number(row['book'])),
    searches: searches.map((row) => ({
      query: columnText(row['query'])!,
      bookIds: JSON.parse(columnText(row['books'])!) as number[],
      time: Number(row['time_ms']),
    })),
    verdicts: verdicts.map((row) => ({
      bookId: Number(row['book']),
      verdict: columnText(row['verdict']) as Verdict,
      time: Number(row['time_ms']),
    })),
  };
}

const isWanted = "verdict = 'wanted' AND holds = 1";

/** @see RecommendationStore.popularBooks */
function readPopularBooks(limit: number): Steps<readonly CountedBook[]> {
  return countReaders(
    `SELECT book, reader FROM state.liking UNION ALL SELECT book, reader FROM state.verdict WHERE ${isWanted}`,
    [limit],
  );
}

/** From the readers of one book to all their books: each step by an index. @see RecommendationStore.readTogether */
function readTogether(bookId: number, limit: number): Steps<readonly CountedBook[]> {
  const readers = `(SELECT reader FROM state.liking WHERE book = ?
    UNION SELECT reader FROM state.verdict WHERE book = ? AND ${isWanted}) AS same`;
  return countReaders(
    `SELECT book, reader FROM ${readers} JOIN state.liking USING (reader) WHERE book <> ?
     UNION ALL SELECT book, reader FROM ${readers} JOIN state.verdict USING (reader) WHERE book <> ? AND ${isWanted}`,
    [bookId, bookId, bookId, bookId, bookId, bookId, limit],
  );
}

function* countReaders(having: string, values: readonly SqlValue[]): Steps<readonly CountedBook[]> {
  const counted = yield* rows(
    `SELECT book, COUNT(DISTINCT reader) AS readers FROM (${having}) AS having_it
     GROUP BY book ORDER BY readers DESC, book LIMIT ?`,
    values,
  );
  return counted.map((row) => ({ bookId: Number(row['book']), readers: Number(row['readers']) }));
}

/** @see RecommendationStore.booksSince */
function* readBooksSince(changeNumber: number, limit: number): Steps<readonly BookRow[]> {
  const changed = yield* rows(
    'SELECT id, change_number, content FROM state.book WHERE change_number > ? ORDER BY change_number LIMIT ?',
    [changeNumber, limit],
  );
  return changed.map((row) => {
    const content = columnText(row['content']);
    return {
      bookId: Number(row['id']),
      changeNumber: Number(row['change_number']),
      book: content === null ? null : (JSON.parse(content) as Book),
    };
  });
}
