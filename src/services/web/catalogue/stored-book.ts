import type { Book } from '../../../events/book.ts';

/** A book without id and `created_at`, which the catalogue gives. */
export type BookContent = {
  readonly title: string;
  readonly author: string;
  /** `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; years before our era are negative. */
  readonly published_at: string | null;
  readonly description: string | null;
  /** ISBN-13, digits only. */
  readonly isbn: string | null;
  readonly series: string | null;
  readonly subjects: readonly string[];
  /** BCP 47. */
  readonly language: string | null;
  readonly popularity: number;
  /** Original title, subtitle and others by which it is known. */
  readonly other_titles: readonly string[];
};

export type ChangedBook = { readonly bookId: number; readonly version: number; readonly book: Book };
export type RemovedBook = { readonly bookId: number; readonly version: number; readonly book: null };

/** A book as a store keeps it. A removed book keeps only its id, version and time of creation. */
export type StoredBook = {
  readonly id: number;
  readonly version: number;
  readonly removed: boolean;
  /** RFC 3339; `null` when the row of another program has no such time. */
  readonly createdAt: string | null;
  readonly content: BookContent;
  readonly givers: Givers;
};

/**
 * Which source gave each field of a book. Fields from elsewhere are absent, and so are fields from before this was
 * recorded.
 */
export type Givers = Readonly<Partial<Record<GivenField, string>>>;
type GivenField = Exclude<keyof BookContent, 'title'>;

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
  other_titles: [],
};

const givenFields = Object.keys(emptyContent) as readonly GivenField[];

/** Names the source as the giver of all fields of a new book. */
export function giversOf(content: BookContent, source: string): Givers {
  const givers: Partial<Record<GivenField, string>> = {};
  for (const field of givenFields) if (!isEmpty(content[field])) givers[field] = source;
  return givers;
}

/** Merges a source's fields into a book. An empty field erases the value only if the same source gave it. */
export function mergeFields(
  before: { readonly content: Omit<BookContent, 'title'>; readonly givers: Givers },
  fields: Partial<BookContent> & { readonly title: string },
  source: string,
): { readonly content: BookContent; readonly givers: Givers } {
  const content: Record<string, unknown> = { ...before.content, title: fields.title };
  const givers: Partial<Record<GivenField, string>> = { ...before.givers };
  for (const field of givenFields) {
    const value = fields[field];
    if (value === undefined || isSameValue(value, before.content[field])) continue;
    if (!isEmpty(value)) {
      content[field] = value;
      givers[field] = source;
    } else if (givers[field] === source) {
      content[field] = emptyContent[field];
      delete givers[field];
    }
  }
  return { content: content as BookContent, givers };
}

/** The givers of a book after somebody has edited it: changed fields have none. */
export function giversAfterEdit(book: StoredBook, content: BookContent): Givers {
  const kept = givenFields.filter((field) => isSameValue(book.content[field], content[field]));
  return Object.fromEntries(
    kept.flatMap((field) => (book.givers[field] === undefined ? [] : [[field, book.givers[field]]])),
  );
}

/**
 * JSON of a column: for each source one digit (base 36) for each of its fields, which is the field's index in
 * `emptyContent`. So fields are only ever added at its end. `null` for no source.
 */
export function encodeGivers(givers: Givers): string | null {
  const bySource: Record<string, string> = {};
  for (const [index, field] of givenFields.entries()) {
    const source = givers[field];
    if (source !== undefined) bySource[source] = (bySource[source] ?? '') + index.toString(36);
  }
  return Object.keys(bySource).length === 0 ? null : JSON.stringify(bySource);
}

export function decodeGivers(text: string | null): Givers {
  if (text === null) return {};
  return Object.fromEntries(
    Object.entries(JSON.parse(text) as Record<string, string>).flatMap(([source, fields]) =>
      Array.from(fields, (digit) => [givenFields[Number.parseInt(digit, 36)]!, source]),
    ),
  );
}

function isEmpty(value: BookContent[GivenField]): boolean {
  return value === null || value === '' || value === 0 || (Array.isArray(value) && value.length === 0);
}

function isSameValue(one: unknown, other: unknown): boolean {
  return Array.isArray(one) ? JSON.stringify(one) === JSON.stringify(other) : one === other;
}

/** Content as column values, in the order of `contentColumns`; lists as JSON. */
export function contentValues(content: BookContent): readonly (string | number | null)[] {
  return contentColumns.map((column) => {
    const value = content[column];
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
  });
}

export const contentColumns = ['title', ...givenFields] as const;

export function isSameContent(one: BookContent, other: BookContent): boolean {
  const others = contentValues(other);
  return contentValues(one).every((value, at) => value === others[at]);
}

/** The time in the form of `created_at`: RFC 3339 in whole seconds. */
export function createdNow(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}

/** The book of events and answers: always the tutorial's six fields and `popularity`, and the other fields if known. */
export function toBook(id: number, createdAt: string | null, content: BookContent): Book {
  const { title, author, published_at, description, isbn, series, subjects, language, popularity } = content;
  const { other_titles } = content;
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
    ...(other_titles.length > 0 && { other_titles: [...other_titles] }),
  };
}

/** The event for a book as it is now. */
export function changeTo({ id, version, removed, createdAt, content }: StoredBook): ChangedBook | RemovedBook {
  return { bookId: id, version, book: removed ? null : toBook(id, createdAt, content) };
}
