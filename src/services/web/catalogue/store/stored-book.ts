import type { Book } from '../../../../events/book.ts';
import type { BookContent, ChangedBook, RemovedBook } from '../catalogue.ts';

/** A book as a store keeps it; of a removed one nothing but id, version and time is left. */
export type StoredBook = {
  readonly id: number;
  readonly version: number;
  readonly removed: boolean;
  /** RFC 3339; `null` when somebody else's row does not say. */
  readonly createdAt: string | null;
  readonly content: BookContent;
};

/** What a book says about itself when nobody has said anything yet. */
export const emptyContent: Omit<BookContent, 'title'> = {
  author: '',
  published_at: null,
  description: null,
  isbn: null,
  series: null,
  subjects: [],
  language: null,
  popularity: 0,
};

/** Content as plain values in the order in which `BookContent` lists them, subjects as JSON. */
export function contentValues(content: BookContent): readonly (string | number | null)[] {
  const { title, author, published_at, description, isbn, series, subjects, language, popularity } = content;
  return [title, author, published_at, description, isbn, series, JSON.stringify(subjects), language, popularity];
}

export function isSameContent(one: BookContent, other: BookContent): boolean {
  const others = contentValues(other);
  return contentValues(one).every((value, at) => value === others[at]);
}

/** `created_at` of a book made now: whole seconds, as everywhere in the shop. */
export function createdNow(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}

/** The tutorial's six fields always, the others where there is something to say. */
export function toBook(id: number, createdAt: string | null, content: BookContent): Book {
  const { title, author, published_at, description, isbn, series, subjects, language, popularity } = content;
  return {
    id,
    title,
    author,
    published_at,
    description,
    created_at: createdAt,
    ...(isbn !== null && { isbn }),
    ...(series !== null && { series }),
    ...(subjects.length > 0 && { subjects: [...subjects] }),
    ...(language !== null && { language }),
    popularity,
  };
}

/** What there is to tell of a book: all of it as it is now, or that it was removed. */
export function changeTo({ id, version, removed, createdAt, content }: StoredBook): ChangedBook | RemovedBook {
  return { bookId: id, version, book: removed ? null : toBook(id, createdAt, content) };
}
