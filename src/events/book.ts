import { Type, type Static } from '@sinclair/typebox';

/** Larger numbers are not exact in JavaScript, and stores refuse to return them. */
export const BookIdSchema = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** A book's id in an address. `parseBookId` also checks that it is not too large. */
export const bookIdPattern = '^[1-9][0-9]{0,15}$';
const bookId = new RegExp(bookIdPattern);

/** @returns `null` when the text is not an id. */
export function parseBookId(text: string): number | null {
  const id = bookId.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(id) ? id : null;
}

/**
 * A book as in every list and event (docs/contract.md §1). More fields may follow; unknown fields are kept.
 * `published_at` is a year or a date, `created_at` RFC 3339, `popularity` a count of readers.
 */
export const BookSchema = Type.Object(
  {
    id: BookIdSchema,
    title: Type.String({ minLength: 1 }),
    author: Type.String(),
    published_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    description: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    created_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    isbn: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    series: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    subjects: Type.Optional(Type.Array(Type.String())),
    /** Original and alternative titles. */
    other_titles: Type.Optional(Type.Array(Type.String())),
    language: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    popularity: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 })),
  },
  { $id: 'Book', additionalProperties: true },
);

export type Book = Static<typeof BookSchema>;

const listDescriptionLength = 300;

/** The book as in lists and events: its description has at most 300 characters, and no character is cut in half. */
export function listedBook(book: Book): Book {
  const description = book.description;
  if (typeof description !== 'string' || description.length <= listDescriptionLength) return book;
  const cut = description.slice(0, listDescriptionLength - 1).replace(/[\uD800-\uDBFF]$/, '');
  return { ...book, description: `${cut}…` };
}
