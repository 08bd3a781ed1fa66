import type { Book } from '../../../events/book.ts';
import type { ReaderRow } from '../store/recommendation-store.ts';
import { windowOf } from './reader-window.ts';
import { createReadingModel, type ReadingModel } from './reading-model.ts';
import { createShelf, type Shelf } from './shelf.ts';

/** What is derived from a state: the books, which of them are one work, and what readers have in common. */
export type Knowledge = {
  readonly model: ReadingModel;
  readonly shelf: Shelf;
  /** `null` takes a book out. */
  readonly putBooks: (books: readonly { readonly bookId: number; readonly book: Book | null }[]) => void;
  readonly putReaders: (readers: readonly ReaderRow[]) => void;
};

export function createKnowledge(): Knowledge {
  const model = createReadingModel();
  const shelf = createShelf();
  const { counts } = model;
  return {
    model,
    shelf,
    putBooks: (books) => {
      const moved = new Map<number, number>();
      for (const { bookId, book } of books) {
        for (const [edition, work] of shelf.put(bookId, book)) {
          moved.set(counts.numberOf(edition), counts.numberOf(work));
        }
      }
      const changed = [...moved].filter(([number, work]) => number >= 0 && work >= 0 && counts.workOf(number) !== work);
      if (changed.length > 0) counts.regroup(new Map(changed));
    },
    putReaders: (readers) => {
      for (const { reader, ...books } of readers) {
        const numbers = windowOf(books).map(({ bookId }) => counts.numberOf(bookId));
        counts.put(
          reader,
          numbers.filter((number) => number >= 0),
        );
      }
    },
  };
}
