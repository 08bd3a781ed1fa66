import type { Book } from '../../../events/book.ts';
import type { RecommendationStore } from '../store/recommendation-store.ts';

const booksPerLook = 1_000;

/**
 * Keeps a copy of the books current, whoever changes them: this instance's commits and others' are both found by their
 * change numbers.
 * @returns a function that resolves when all is put that was known at the call. One look at a time: two at once would put
 *   what a slow one has read over what is newer. Calls during a look share the next one.
 */
export function createBookFollower(
  store: Pick<RecommendationStore, 'booksSince'>,
  put: (bookId: number, book: Book | null) => void,
): () => Promise<void> {
  let seenChange = 0;
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;

  const look = async (): Promise<void> => {
    for (;;) {
      const rows = await store.booksSince(seenChange, booksPerLook);
      for (const { bookId, book, changeNumber } of rows) {
        put(bookId, book);
        seenChange = changeNumber;
      }
      if (rows.length < booksPerLook) return;
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
