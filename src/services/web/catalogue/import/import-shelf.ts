import type { BookContent, SourcedBook } from '../catalogue.ts';
import type { StoredBook } from '../store/stored-book.ts';

/** A book as a batch of rows finds it, and what the batch makes of it. */
export type ShelvedBook = {
  /** Below `firstNewId` the catalogue's; from there on a number that means something within the batch only. */
  readonly id: number;
  /** `null`: the batch adds it. */
  readonly stored: StoredBook | null;
  readonly content: BookContent;
  readonly isDemo: boolean;
};

/** Where the books of a batch are found; each answer may come from a database. */
export type ShelfSource = {
  readonly named: (sourceId: string) => number | undefined;
  /** Ids of the books with this key, the oldest first. */
  readonly alike: (key: string) => readonly { readonly id: number; readonly isNamed: boolean }[];
  readonly read: (id: number) => Promise<Pick<ShelvedBook, 'stored' | 'isDemo'> | null>;
  /** What else than its id in the source a book may be known by, the best first. */
  readonly keysOf: (content: Partial<BookContent> & { readonly title: string }) => readonly string[];
};

/** More than any id of the catalogue. */
export const firstNewId = 2 ** 52;

/** The books a batch may meet, with what the rows before have done to them. */
export type Shelf = {
  /** Contract §4: (source, source id), then ISBN-13, then title, first author and year. */
  readonly find: (row: SourcedBook) => Promise<ShelvedBook | null>;
  readonly add: (content: BookContent) => ShelvedBook;
  readonly change: (book: ShelvedBook, content: BookContent) => void;
  /** @returns false when the source names it so already. */
  readonly name: (sourceId: string, id: number) => boolean;
};

export function createShelf(source: ShelfSource): Shelf {
  const books = new Map<number, ShelvedBook>();
  const names = new Map<string, number>();
  const namedNow = new Set<number>();
  const idsByKey = new Map<string, { readonly id: number; readonly isNamed: boolean }[]>();
  let nextId = firstNewId;

  const idsOf = (key: string): { readonly id: number; readonly isNamed: boolean }[] => {
    const ids = idsByKey.get(key) ?? [...source.alike(key)];
    idsByKey.set(key, ids);
    return ids;
  };
  const read = async (id: number): Promise<ShelvedBook | null> => {
    const known = books.get(id);
    if (known !== undefined) return known;
    const found = await source.read(id);
    if (found === null || found.stored === null) return null;
    const book = { ...found, id, content: found.stored.content };
    books.set(id, book);
    return book;
  };
  /** The oldest such book that the source does not know by another id. */
  const findAlike = async (key: string, sourceId: string | null): Promise<ShelvedBook | null> => {
    for (const { id, isNamed } of idsOf(key)) {
      if (sourceId !== null && (isNamed || namedNow.has(id))) continue;
      const book = await read(id);
      if (book !== null) return book;
    }
    return null;
  };
  const put = (book: ShelvedBook, isNamed: boolean): void => {
    books.set(book.id, book);
    for (const key of source.keysOf(book.content)) {
      const ids = idsOf(key);
      const at = ids.findIndex(({ id }) => id > book.id);
      ids.splice(at === -1 ? ids.length : at, 0, { id: book.id, isNamed });
    }
  };

  return {
    find: async ({ sourceId, fields }) => {
      const id = sourceId === null ? undefined : (names.get(sourceId) ?? source.named(sourceId));
      const named = id === undefined ? null : await read(id);
      if (named !== null) return named;
      for (const key of source.keysOf(fields)) {
        const alike = await findAlike(key, sourceId);
        if (alike !== null) return alike;
      }
      return null;
    },
    add: (content) => {
      const book = { id: nextId++, stored: null, content, isDemo: false };
      put(book, false);
      return book;
    },
    change: (book, content) => {
      let isNamed = false;
      for (const key of source.keysOf(book.content)) {
        const ids = idsOf(key);
        const at = ids.findIndex(({ id }) => id === book.id);
        const [removed] = at === -1 ? [] : ids.splice(at, 1);
        isNamed ||= removed?.isNamed === true;
      }
      put({ ...book, content }, isNamed);
    },
    name: (sourceId, id) => {
      namedNow.add(id);
      if ((names.get(sourceId) ?? source.named(sourceId)) === id) return false;
      names.set(sourceId, id);
      return true;
    },
  };
}
