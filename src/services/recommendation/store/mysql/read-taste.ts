import { columnText, type MysqlConnection, type MysqlValue } from '../../../../mysql/connection.ts';
import type { Book } from '../../../../events/book.ts';
import { readerHash } from './keep-taste.ts';
import type { Verdict } from '../../recommendation-projection.ts';
import type { BookRow, Taste } from '../recommendation-store.ts';

type CountedBook = { readonly bookId: number; readonly readers: number };

/** @see RecommendationStore.taste */
export async function readTaste(connection: MysqlConnection, reader: string): Promise<Taste> {
  const by = [readerHash(reader)];
  const liked = await connection.rows(
    `SELECT book, MAX(strength) AS strength, MAX(time_ms) AS time FROM state.liking WHERE reader = ?
     GROUP BY book ORDER BY time DESC, book LIMIT 100`,
    by,
  );
  const met = await connection.rows('SELECT DISTINCT book FROM state.liking WHERE reader = ? ORDER BY book', by);
  const searches = await connection.rows(
    'SELECT query, books, time_ms FROM state.search WHERE reader = ? ORDER BY time_ms DESC, query, query_hash LIMIT 20',
    by,
  );
  const verdicts = await connection.rows(
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
      query: String(row['query']),
      bookIds: JSON.parse(String(row['books'])) as number[],
      time: Number(row['time_ms']),
    })),
    verdicts: verdicts.map((row) => {
      return { bookId: Number(row['book']), verdict: String(row['verdict']) as Verdict, time: Number(row['time_ms']) };
    }),
  };
}

const isWanted = "verdict = 'wanted' AND holds = 1";

/** @see RecommendationStore.popularBooks */
export async function readPopularBooks(connection: MysqlConnection, limit: number): Promise<readonly CountedBook[]> {
  return countReaders(
    connection,
    `SELECT book, reader FROM state.liking UNION ALL SELECT book, reader FROM state.verdict WHERE ${isWanted}`,
    [limit],
  );
}

/** From the readers of one book to all theirs: each step by an index. @see RecommendationStore.readTogether */
export async function readTogether(
  connection: MysqlConnection,
  bookId: number,
  limit: number,
): Promise<readonly CountedBook[]> {
  const readers = `(SELECT reader FROM state.liking WHERE book = ?
    UNION SELECT reader FROM state.verdict WHERE book = ? AND ${isWanted}) AS same`;
  return countReaders(
    connection,
    `SELECT book, reader FROM ${readers} JOIN state.liking USING (reader) WHERE book <> ?
     UNION ALL SELECT book, reader FROM ${readers} JOIN state.verdict USING (reader) WHERE book <> ? AND ${isWanted}`,
    [bookId, bookId, bookId, bookId, bookId, bookId, limit],
  );
}

async function countReaders(
  connection: MysqlConnection,
  having: string,
  values: readonly MysqlValue[],
): Promise<readonly CountedBook[]> {
  const rows = await connection.rows(
    `SELECT book, COUNT(DISTINCT reader) AS readers FROM (${having}) AS having_it
     GROUP BY book ORDER BY readers DESC, book LIMIT ?`,
    values,
  );
  return rows.map((row) => ({ bookId: Number(row['book']), readers: Number(row['readers']) }));
}

/** @see RecommendationStore.booksSince */
export async function readBooksSince(
  connection: MysqlConnection,
  changeNumber: number,
  limit: number,
): Promise<readonly BookRow[]> {
  const rows = await connection.rows(
    'SELECT id, change_number, content FROM state.book WHERE change_number > ? ORDER BY change_number LIMIT ?',
    [changeNumber, limit],
  );
  return rows.map((row) => {
    const content = columnText(row['content']);
    return {
      bookId: Number(row['id']),
      changeNumber: Number(row['change_number']),
      book: content === null ? null : (JSON.parse(content) as Book),
    };
  });
}
