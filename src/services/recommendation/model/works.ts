import type { Book } from '../../../events/book.ts';
import { workIdentity, type WorkIdentity } from './work-identity.ts';

/** Which books are editions of one work. It follows from the present books alone, in whatever order they came. */
export type Works = {
  /**
   * Adds a book, replaces it, or takes it out with `null`.
   * @returns the books whose work may have changed, each with its work: the smallest id among its editions.
   */
  readonly put: (bookId: number, book: Book | null) => ReadonlyMap<number, number>;
  readonly editionsOf: (bookId: number) => readonly number[];
};

export function createWorks(): Works {
  const identities = new Map<number, WorkIdentity>();
  /** Lists: most have one book, and a set of one takes four times the memory. */
  const booksBy = new Map<string, readonly number[]>();

  const keysOf = ({ keys, isbn }: WorkIdentity): readonly string[] =>
    isbn === null ? keys : [...keys, `isbn ${isbn}`];
  const index = (bookId: number, identity: WorkIdentity): void => {
    identities.set(bookId, identity);
    for (const key of keysOf(identity)) booksBy.set(key, [...(booksBy.get(key) ?? []), bookId]);
  };
  const remove = (bookId: number): void => {
    for (const key of keysOf(identities.get(bookId) ?? { keys: [], volume: '', isbn: null })) {
      const left = (booksBy.get(key) ?? []).filter((one) => one !== bookId);
      if (left.length === 0) booksBy.delete(key);
      else booksBy.set(key, left);
    }
    identities.delete(bookId);
  };
  /** Books that share a key with this one. Where volumes differ, one without a number belongs to none of them. */
  const besides = (bookId: number): readonly number[] => {
    const identity = identities.get(bookId);
    if (identity === undefined) return [];
    return keysOf(identity).flatMap((key) => {
      const books = booksBy.get(key) ?? [];
      const volumes = new Set(books.map((book) => identities.get(book)!.volume).filter((volume) => volume !== ''));
      if (volumes.size < 2) return books;
      return books.filter((book) => identities.get(book)!.volume === identity.volume);
    });
  };
  const findEditions = (bookId: number): readonly number[] => {
    const found = new Set([bookId]);
    for (const book of found) for (const other of besides(book)) found.add(other);
    return [...found].sort((one, other) => one - other);
  };
  const editions = new Map<number, readonly number[]>();
  const editionsOf = (bookId: number): readonly number[] => editions.get(bookId) ?? [bookId];
  /** Also those whose relation to each other depends on this book being there. */
  const around = (bookId: number): readonly number[] => {
    const identity = identities.get(bookId);
    return identity === undefined ? [] : keysOf(identity).flatMap((key) => booksBy.get(key) ?? []);
  };

  return {
    editionsOf,
    put: (bookId, book) => {
      const before = [...around(bookId), ...editionsOf(bookId)];
      remove(bookId);
      if (book !== null) index(bookId, workIdentity(book));
      const works = new Map<number, number>();
      for (const one of [...before, bookId, ...around(bookId)].flatMap(findEditions)) {
        if (works.has(one)) continue;
        const found = findEditions(one);
        works.set(one, found[0]!);
        if (found.length === 1) editions.delete(one);
        else editions.set(one, found);
      }
      return works;
    },
  };
}
