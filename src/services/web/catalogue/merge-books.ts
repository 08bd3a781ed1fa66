import { mayBeSameBook, titleKey, type BareTitles } from './book-identity.ts';
import {
  emptyContent,
  giversOf,
  isSameContent,
  mergeFields,
  type BookContent,
  type Givers,
  type StoredBook,
} from './stored-book.ts';
import { demoSource, type ImportConflict, type ImportOptions, type MergedRow, type SourcedBook } from './import-run.ts';

/**
 * For one ISBN or title key a store returns at most this many books that have an id in the source, and this many
 * without. That is enough, because a batch has as many rows.
 */
export const mostSameBooks = 200;

/** A row with the key that finds its book when neither id nor ISBN does. */
export type KeyedRow = SourcedBook & { readonly titleKey: string };

/** The books that the rows of a batch may be, as a store found them. */
export type KnownBooks = {
  /** Book ids by id in the source. */
  readonly named: ReadonlyMap<string, number>;
  /** Ids of the books with these ISBNs and title keys, ascending. Only the keys of `rowsToFind` are needed. */
  readonly byIsbn: ReadonlyMap<string, readonly SameBook[]>;
  readonly byTitle: ReadonlyMap<string, readonly SameBook[]>;
  /** Every book named above that exists or was removed. */
  readonly books: ReadonlyMap<number, StoredBook>;
  readonly demoIds: ReadonlySet<number>;
};

/** `isNamed`: the book has an id in the source. */
export type SameBook = { readonly id: number; readonly isNamed: boolean };

/** What a batch changes, for a store to write. */
export type MergedBatch = {
  /** In the order of the rows, each book at most once. */
  readonly changes: readonly BatchChange[];
  readonly names: readonly { readonly sourceId: string; readonly id: number }[];
  /** Demo books that the source's rows have replaced. */
  readonly replacedDemoIds: readonly number[];
  /** One per row. */
  readonly rows: readonly BatchRow[];
};

export type BatchRow = MergedRow & { readonly id: number };

export type BatchChange = {
  /** From `firstNewId` on: a new book. */
  readonly id: number;
  /** `null` for a new book. */
  readonly stored: StoredBook | null;
  readonly content: BookContent;
  readonly givers: Givers;
  readonly titleKey: string;
};

/**
 * Greater than every id of the catalogue. New books of a batch are numbered from here until the store has ids for them.
 */
export const firstNewId = 2 ** 52;

export function withKeys(rows: readonly SourcedBook[]): readonly KeyedRow[] {
  return rows.map((row) => ({ ...row, titleKey: titleKey(row.fields) }));
}

/**
 * The rows whose books must be found by ISBN or title key: all rows except those whose source id already leads to the
 * right book.
 */
export function rowsToFind(
  rows: readonly KeyedRow[],
  { named, books }: Pick<KnownBooks, 'named' | 'books'>,
): readonly KeyedRow[] {
  const seen = new Set<string | null>();
  return rows.filter(({ sourceId, fields }) => {
    // The first row with an id may give that id to another book.
    const isRepeated = seen.has(sourceId);
    seen.add(sourceId);
    const book = sourceId === null ? undefined : books.get(named.get(sourceId) ?? -1);
    return book === undefined || isRepeated || !idLeadsToRightBook(fields, book);
  });
}

/** Whether the book with the row's id is the book of the row. A removed book has no title left to compare. */
function idLeadsToRightBook(fields: SourcedBook['fields'], book: StoredBook): boolean {
  return book.removed || mayBeSameBook(fields, book.content);
}

export type Merging = ImportOptions & {
  readonly source: string;
  /** Whether an earlier batch of the import has changed this book. */
  readonly isTouched: (id: number) => boolean;
};

/**
 * Decides which row is which book, and what each book becomes. This is the rule of `ImportRun.merge`, for every store.
 */
export function mergeBooks(known: KnownBooks, rows: readonly KeyedRow[], merging: Merging): MergedBatch {
  const { source, isExact = false } = merging;
  const touchedNow = new Set<number>();
  const isTouched = (id: number): boolean => touchedNow.has(id) || merging.isTouched(id);
  const books = createBatchBooks(known, { ...merging, isTouched });
  const changes: BatchChange[] = [];
  const names: MergedBatch['names'][number][] = [];
  const replacedDemoIds: number[] = [];

  const add = (row: KeyedRow, fields: SourcedBook['fields'], conflicts: readonly ImportConflict[]): BatchRow => {
    const content = { ...emptyContent, ...fields };
    const id = books.add(content, row.titleKey);
    changes.push({ id, stored: null, content, givers: giversOf(content, source), titleKey: row.titleKey });
    return { id, outcome: 'added', conflicts };
  };
  const change = (book: StoredBook, fields: SourcedBook['fields'], conflicts: readonly ImportConflict[]): BatchRow => {
    const { id } = book;
    if (isTouched(id)) {
      const isSame = isSameContent(book.content, mergeFields(book, fields, source).content);
      return { id, outcome: isSame ? 'unchanged' : 'repeated', conflicts };
    }
    const replacesDemo = source !== demoSource && known.demoIds.has(id);
    if (replacesDemo) replacedDemoIds.push(id);
    const before = replacesDemo || book.removed ? { content: emptyContent, givers: {} } : book;
    const { content, givers } = mergeFields(before, fields, source);
    if (!book.removed && isSameContent(book.content, content)) return { id, outcome: 'unchanged', conflicts };
    const key = titleKey(content);
    books.change(id, content, key);
    changes.push({ id, stored: book, content, givers, titleKey: key });
    return { id, outcome: book.removed ? 'added' : 'updated', conflicts };
  };
  const mergeRow = (row: KeyedRow): BatchRow => {
    const { book, conflicts } = books.find(row);
    const takesIsbn = isExact || conflicts.every(({ field }) => field !== 'isbn');
    const { isbn, ...others } = row.fields;
    const fields = takesIsbn && isbn !== undefined ? { ...others, isbn } : others;
    const merged = book === null ? add(row, fields, conflicts) : change(book, fields, conflicts);
    const { sourceId } = row;
    if (sourceId !== null && merged.outcome !== 'repeated' && books.name(sourceId, merged.id)) {
      names.push({ sourceId, id: merged.id });
    }
    touchedNow.add(merged.id);
    return merged;
  };
  const merged = rows.map(mergeRow);
  return { changes, names, replacedDemoIds, rows: merged };
}

type Found = { readonly book: StoredBook | null; readonly conflicts: readonly ImportConflict[] };

type BatchBooks = {
  readonly find: (row: KeyedRow) => Found;
  /** @returns the id of the new book within the batch. */
  readonly add: (content: BookContent, titleKey: string) => number;
  readonly change: (id: number, content: BookContent, titleKey: string) => void;
  /** @returns false when the book has this id in the source already. */
  readonly name: (sourceId: string, id: number) => boolean;
};

/** The books that the batch may change, including what its earlier rows have done to them. */
function createBatchBooks(known: KnownBooks, { trustIsbn = false, isTouched }: Merging): BatchBooks {
  const books = new Map(known.books);
  const names = new Map(known.named);
  const namedIds = new Set<number>(known.named.values());
  const [byIsbn, byTitle] = [idLists(known.byIsbn, namedIds), idLists(known.byTitle, namedIds)];
  const bareTitles: BareTitles = new Map();
  let nextId = firstNewId;

  const put = (id: number, { isbn }: BookContent, key: string): void => {
    if (isbn !== null) insertInOrder(byIsbn, isbn, id);
    insertInOrder(byTitle, key, id);
  };
  const booksWith = (ids: readonly number[] | undefined): readonly StoredBook[] =>
    (ids ?? []).flatMap((id) => books.get(id) ?? []);
  /** A row with an id is never a book that has another id in the same source. */
  const isFree = ({ sourceId }: KeyedRow, { id }: StoredBook): boolean => sourceId === null || !namedIds.has(id);

  const findByIsbn = (row: KeyedRow, conflicts: ImportConflict[]): StoredBook | null => {
    const { isbn } = row.fields;
    if (typeof isbn !== 'string') return null;
    const found = booksWith(byIsbn.get(isbn));
    const same = found.filter(({ content }) => trustIsbn || mayBeSameBook(row.fields, content, bareTitles));
    if (same.length === 0 && found[0] !== undefined) conflicts.push(conflictWith('isbn', isbn, found[0]));
    return same.find((book) => isFree(row, book)) ?? null;
  };
  const findByTitle = (row: KeyedRow, conflicts: readonly ImportConflict[]): StoredBook | null => {
    const isbn = conflicts.some(({ field }) => field === 'isbn') ? null : (row.fields.isbn ?? null);
    const isOtherEdition = ({ id, content }: StoredBook): boolean =>
      isbn !== null && content.isbn !== null && content.isbn !== isbn && isTouched(id);
    return booksWith(byTitle.get(row.titleKey)).find((book) => isFree(row, book) && !isOtherEdition(book)) ?? null;
  };
  return {
    find: (row) => {
      const conflicts: ImportConflict[] = [];
      const { sourceId, fields } = row;
      const named = sourceId === null ? undefined : books.get(names.get(sourceId) ?? -1);
      if (named !== undefined && idLeadsToRightBook(fields, named)) return { book: named, conflicts };
      if (named !== undefined) conflicts.push(conflictWith('id', sourceId!, named));
      return { book: findByIsbn(row, conflicts) ?? findByTitle(row, conflicts), conflicts };
    },
    add: (content, key) => {
      const id = nextId++;
      books.set(id, { id, version: 0, removed: false, createdAt: null, content, givers: {} });
      put(id, content, key);
      return id;
    },
    change: (id, content, key) => {
      const before = books.get(id)!;
      if (before.content.isbn !== null) removeFrom(byIsbn, before.content.isbn, id);
      if (!before.removed) removeFrom(byTitle, titleKey(before.content), id);
      books.set(id, { ...before, removed: false, content });
      put(id, content, key);
    },
    name: (sourceId, id) => {
      const before = names.get(sourceId);
      namedIds.add(id);
      if (before === id) return false;
      if (before !== undefined) namedIds.delete(before);
      names.set(sourceId, id);
      return true;
    },
  };
}

function conflictWith(field: ImportConflict['field'], value: string, { content }: StoredBook): ImportConflict {
  return { field, value, title: content.title, author: content.author };
}

type IdLists = Map<string, number[]>;

function idLists(found: ReadonlyMap<string, readonly SameBook[]>, namedIds: Set<number>): IdLists {
  for (const same of found.values()) for (const { id, isNamed } of same) if (isNamed) namedIds.add(id);
  return new Map(Array.from(found, ([value, same]) => [value, same.map(({ id }) => id)]));
}

function insertInOrder(lists: IdLists, value: string, id: number): void {
  const ids = lists.get(value);
  if (ids === undefined) lists.set(value, [id]);
  else if (!ids.includes(id)) ids.splice(ids.filter((other) => other < id).length, 0, id);
}

function removeFrom(lists: IdLists, value: string, id: number): void {
  const ids = lists.get(value) ?? [];
  const at = ids.indexOf(id);
  if (at !== -1) ids.splice(at, 1);
}
