import type { Book } from '../../../events/book.ts';
import type { ReaderRow, ReaderBooks } from '../store/recommendation-store.ts';
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
          .slice(0, windowSize)
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

/** How many books of one reader the model learns from: the latest. No reader should outweigh a hundred others. */
const windowSize = 100;

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
