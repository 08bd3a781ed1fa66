import { columnText, rows, type SqlRow, type Steps } from '../../../sql/statements.ts';
import type { Book } from '../../../events/book.ts';
import type { Verdict } from '../recommendation-projection.ts';
import type { BookRow, ReaderBooks, ReaderRow, RecommendationStore, Taste } from './recommendation-store.ts';
import { readerHash, textOf } from './taste-tables.ts';

/** The reads of a state, for any database. `together` runs several statements on one snapshot, `single` runs one. */
export function tasteReads(
  together: <Result>(steps: () => Steps<Result>) => Promise<Result>,
  single: <Result>(steps: () => Steps<Result>) => Promise<Result>,
): Pick<RecommendationStore, 'taste' | 'readersSince' | 'booksSince'> {
  return {
    taste: (reader) => together(() => readTaste(reader)),
    readersSince: (changeNumber, limit) => single(() => readReadersSince(changeNumber, limit)),
    booksSince: (changeNumber, limit) => single(() => readBooksSince(changeNumber, limit)),
  };
}

/** @see RecommendationStore.taste */
function* readTaste(reader: string): Steps<Taste> {
  const by = readerHash(reader);
  const books = yield* readBooksOf(by);
  const searches = yield* rows(
    'SELECT query, books, time_ms FROM state.search WHERE reader = ? ORDER BY time_ms DESC, query, query_hash LIMIT 20',
    [by],
  );
  return {
    ...books,
    searches: searches.map((row) => ({
      query: columnText(row['query'])!,
      bookIds: JSON.parse(columnText(row['books'])!) as number[],
      time: Number(row['time_ms']),
    })),
  };
}

/** @see RecommendationStore.readersSince */
function* readReadersSince(changeNumber: number, limit: number): Steps<readonly ReaderRow[]> {
  const changed = yield* readChangedSince('SELECT reader, change_number FROM state.reader', changeNumber, limit);
  if (changed.length === 0) return [];
  const books = yield* readBooks(changed.map((row) => row['reader'] as Uint8Array));
  return changed.map((row) => {
    const reader = textOf(row['reader'] as Uint8Array);
    return { reader, changeNumber: Number(row['change_number']), ...(books.get(reader) ?? nothing) };
  });
}

/**
 * The rows with the lowest change numbers above `changeNumber`, in order. They are sorted here again, because TiDB 8
 * sometimes returns the right rows in another order while others write.
 */
function* readChangedSince(select: string, changeNumber: number, limit: number): Steps<readonly SqlRow[]> {
  const changed = yield* rows(`${select} WHERE change_number > ? ORDER BY change_number LIMIT ?`, [
    changeNumber,
    limit,
  ]);
  return changed.toSorted((one, other) => Number(one['change_number']) - Number(other['change_number']));
}

const nothing: ReaderBooks = { liked: [], verdicts: [] };

/** As `readBooks` for one reader, with half the data: no row repeats the reader. */
function* readBooksOf(reader: Uint8Array): Steps<ReaderBooks> {
  const liked = yield* rows(likingsOf('= ?', ''), [reader]);
  const verdicts = yield* rows(verdictsOf('= ?', ''), [reader]);
  return { liked: liked.map(likingIn), verdicts: verdicts.map(verdictIn) };
}

function* readBooks(readers: readonly Uint8Array[]): Steps<ReadonlyMap<string, ReaderBooks>> {
  const liked = Map.groupBy(yield* rows(likingsOf('IN (?)', 'reader,'), [readers]), readerIn);
  const verdicts = Map.groupBy(yield* rows(verdictsOf('IN (?)', 'reader,'), [readers]), readerIn);
  return new Map(
    Array.from(new Set([...liked.keys(), ...verdicts.keys()]), (reader) => [
      reader,
      { liked: (liked.get(reader) ?? []).map(likingIn), verdicts: (verdicts.get(reader) ?? []).map(verdictIn) },
    ]),
  );
}

function likingsOf(readers: string, columns: string): string {
  return `SELECT ${columns} book, MAX(strength) AS strength, MAX(time_ms) AS time FROM state.liking
    WHERE reader ${readers} GROUP BY ${columns} book ORDER BY time DESC, book`;
}

function verdictsOf(readers: string, columns: string): string {
  return `SELECT ${columns} book, verdict, time_ms FROM state.verdict WHERE reader ${readers} AND holds = 1
    ORDER BY time_ms DESC, book, verdict`;
}

function readerIn(row: SqlRow): string {
  return textOf(row['reader'] as Uint8Array);
}

function likingIn(row: SqlRow): ReaderBooks['liked'][number] {
  return { bookId: Number(row['book']), strength: Number(row['strength']), time: Number(row['time']) };
}

function verdictIn(row: SqlRow): ReaderBooks['verdicts'][number] {
  const verdict = columnText(row['verdict']) as Verdict;
  return { bookId: Number(row['book']), verdict, time: Number(row['time_ms']) };
}

/** @see RecommendationStore.booksSince */
function* readBooksSince(changeNumber: number, limit: number): Steps<readonly BookRow[]> {
  const changed = yield* readChangedSince('SELECT id, change_number, content FROM state.book', changeNumber, limit);
  return changed.map((row) => {
    const content = columnText(row['content']);
    return {
      bookId: Number(row['id']),
      changeNumber: Number(row['change_number']),
      book: content === null ? null : (JSON.parse(content) as Book),
    };
  });
}
