import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { Book } from '../../../events/book.ts';
import type { BookRow, ReaderRow, RecommendationStore } from '../store/recommendation-store.ts';

/**
 * How many books are read at once. Between two reads answers get their turn, so they need not wait for a whole load.
 */
const booksPerLook = 100;
const readersPerLook = 20;

type Numbered = { readonly changeNumber: number };

/**
 * Follows a list that is ordered by change numbers, while this and other instances change it.
 * @returns a function that resolves when everything that was there at the call has been read. Only one read runs at a
 *   time: of two at once, the slower would overwrite newer values. Calls during a read share the next one.
 */
function createFollower<Row extends Numbered>(
  since: (changeNumber: number) => Promise<readonly Row[]>,
  perLook: number,
  take: (rows: readonly Row[]) => void,
): () => Promise<void> {
  let seen = 0;
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  const look = async (): Promise<void> => {
    for (;;) {
      const rows = await since(seen);
      take(rows);
      seen = rows.at(-1)?.changeNumber ?? seen;
      if (rows.length < perLook) return;
      await eventLoopTurn();
    }
  };
  return () => {
    next ??= last.then(() => {
      next = null;
      const looked = look();
      last = looked.catch(() => {});
      return looked;
    });
    return next;
  };
}

/** @see createFollower */
export function followBooks(
  store: Pick<RecommendationStore, 'booksSince'>,
  put: (books: readonly { readonly bookId: number; readonly book: Book | null }[]) => void,
): () => Promise<void> {
  return createFollower<BookRow>((changeNumber) => store.booksSince(changeNumber, booksPerLook), booksPerLook, put);
}

/** @see createFollower */
export function followReaders(
  store: Pick<RecommendationStore, 'readersSince'>,
  put: (readers: readonly ReaderRow[]) => void,
): () => Promise<void> {
  return createFollower((changeNumber) => store.readersSince(changeNumber, readersPerLook), readersPerLook, put);
}
