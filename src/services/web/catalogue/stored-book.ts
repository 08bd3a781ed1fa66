import type { Book } from '../../../events/book.ts';
import type { BookContent, ChangedBook, RemovedBook } from './catalogue.ts';

/** A book as a store keeps it. Of a removed book, id, version and time of creation are left. */
export type StoredBook = {
  readonly id: number;
  readonly version: number;
  readonly removed: boolean;
  /** RFC 3339; `null` when the row of another program has no such time. */
  readonly createdAt: string | null;
  readonly content: BookContent;
};

/** A book of which only the title is known. */
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

/** Content as column values, in the order of `BookContent`; subjects as JSON. */
export function contentValues(content: BookContent): readonly (string | number | null)[] {
  const { title, author, published_at, description, isbn, series, subjects, language, popularity } = content;
  return [title, author, published_at, description, isbn, series, JSON.stringify(subjects), language, popularity];
}

export function isSameContent(one: BookContent, other: BookContent): boolean {
  const others = contentValues(other);
  return contentValues(one).every((value, at) => value === others[at]);
}

/** The time as `created_at` has it: RFC 3339 in whole seconds. */
export function createdNow(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}

/** Always with the tutorial's six fields and `popularity`; with the others where they are known. */
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

/** The event for a book as it is now. */
export function changeTo({ id, version, removed, createdAt, content }: StoredBook): ChangedBook | RemovedBook {
  return { bookId: id, version, book: removed ? null : toBook(id, createdAt, content) };
}
