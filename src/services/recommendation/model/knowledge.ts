import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { Book } from '../../../events/book.ts';
import type { BookRow, ReaderBooks, ReaderRow, RecommendationStore } from '../store/recommendation-store.ts';
import { createReadingModel, type ReadingModel } from './reading-model.ts';
import { createShopBooks, type ShopBooks } from './shop-books.ts';
import { strengths } from '../recommendation-projection.ts';

/** What is derived from a state: the books, which books are one work, and which works readers have in common. */
export type Knowledge = {
  readonly model: ReadingModel;
  readonly shopBooks: ShopBooks;
  /** `null` takes a book out. */
  readonly putBooks: (books: readonly { readonly bookId: number; readonly book: Book | null }[]) => void;
  readonly putReaders: (readers: readonly ReaderRow[]) => void;
};

export function createKnowledge(): Knowledge {
  const model = createReadingModel();
  const { counts } = model;
  const shopBooks = createShopBooks(counts);
  return {
    model,
    shopBooks,
    putBooks: (books) => {
      const moved = new Map<number, number>();
      for (const { bookId, book } of books) {
        const number = counts.numberOf(bookId);
        if (number === -1) continue;
        for (const [edition, work] of shopBooks.put(number, book)) moved.set(edition, work);
      }
      const changed = [...moved].filter(([number, work]) => counts.workOf(number) !== work);
      if (changed.length > 0) counts.regroup(new Map(changed));
    },
    putReaders: (readers) => {
      for (const { reader, ...books } of readers) {
        const numbers = booksOf(books)
          .slice(0, booksUsed)
          .map(({ bookId }) => counts.numberOf(bookId));
        counts.put(
          reader,
          numbers.filter((number) => number >= 0),
        );
      }
    },
  };
}

/** A book that a reader has had, with the strongest signal and the last time. */
export type Fact = { readonly bookId: number; readonly strength: number; readonly time: number };

/** How many books of one reader the model and the answers use: the latest. */
export const booksUsed = 400;

/**
 * The books a reader opened, chose or wanted, latest first; ties by id. Each has its strongest signal. Dismissed books
 * are left out.
 */
export function booksOf({ liked, verdicts }: ReaderBooks): readonly Fact[] {
  const facts = new Map<number, Fact>(liked.map((fact) => [fact.bookId, fact]));
  for (const { bookId, verdict, time } of verdicts) {
    if (verdict !== 'wanted') continue;
    const before = facts.get(bookId)?.time ?? time;
    facts.set(bookId, { bookId, strength: strengths.wanted, time: Math.max(time, before) });
  }
  for (const { bookId, verdict } of verdicts) if (verdict === 'dismissed') facts.delete(bookId);
  return [...facts.values()].sort((one, other) => other.time - one.time || one.bookId - other.bookId);
}

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
