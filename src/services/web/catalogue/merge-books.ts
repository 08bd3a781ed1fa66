import { titleKey } from './book-identity.ts';
import { demoSource, type BookContent, type ImportRun, type MergeOutcome, type SourcedBook } from './catalogue.ts';
import { emptyContent, isSameContent, type StoredBook } from './stored-book.ts';

/**
 * Of the books with one ISBN or title key a store finds so many that the source names, and so many that it does not: one
 * for each row of a batch.
 */
export const mostSameBooks = 200;

/** A row with what it is found by when neither id nor ISBN helps. */
export type KeyedRow = SourcedBook & { readonly titleKey: string };

/** The books that the rows of a batch may be, as a store found them. */
export type KnownBooks = {
  /** Book ids by id in the source. */
  readonly named: ReadonlyMap<string, number>;
  /** Ids of the books with these ISBNs and title keys, ascending; needed for `rowsToFind` only. */
  readonly byIsbn: ReadonlyMap<string, readonly SameBook[]>;
  readonly byTitle: ReadonlyMap<string, readonly SameBook[]>;
  /** Every book named above that exists or was removed. */
  readonly books: ReadonlyMap<number, StoredBook>;
  readonly demoIds: ReadonlySet<number>;
};

/** `isNamed`: the source has an id for this book. */
export type SameBook = { readonly id: number; readonly isNamed: boolean };

/** What a batch changes, for a store to write. */
export type MergedBatch = {
  /** In the order of the rows, each book at most once. */
  readonly changes: readonly BatchChange[];
  readonly names: readonly { readonly sourceId: string; readonly id: number }[];
  /** Demo books that the source's rows have replaced. */
  readonly replacedDemoIds: readonly number[];
  /** One per row. */
  readonly rows: readonly { readonly id: number; readonly outcome: MergeOutcome }[];
};

export type BatchChange = {
  /** From `firstNewId` on: a new book. */
  readonly id: number;
  /** `null` for a new book. */
  readonly stored: StoredBook | null;
  readonly content: BookContent;
  readonly titleKey: string;
};

/** Greater than every id of the catalogue. New books of a batch are numbered from here until the store has ids for them. */
export const firstNewId = 2 ** 52;

export function withKeys(rows: readonly SourcedBook[]): readonly KeyedRow[] {
  return rows.map((row) => ({ ...row, titleKey: titleKey(row.fields) }));
}

/** The rows that have to be found by ISBN or title key: all but those that the source names. */
export function rowsToFind(
  rows: readonly KeyedRow[],
  { named, books }: Pick<KnownBooks, 'named' | 'books'>,
): readonly KeyedRow[] {
  return rows.filter(({ sourceId }) => sourceId === null || !books.has(named.get(sourceId) ?? -1));
}

/**
 * Which row is which book, and what each book becomes: the rule of `ImportRun.merge`, the same for every store.
 * @param isTouched knows the books that earlier batches of the import have touched.
 */
export function mergeBooks(
  known: KnownBooks,
  source: string,
  rows: readonly KeyedRow[],
  isTouched: (id: number) => boolean,
): MergedBatch {
  const books = createBatchBooks(known);
  const changes: BatchChange[] = [];
  const names: MergedBatch['names'][number][] = [];
  const replacedDemoIds: number[] = [];
  const touchedNow = new Set<number>();

  const mergeRow = (row: KeyedRow): MergedBatch['rows'][number] => {
    const { sourceId } = row;
    const book = books.find(row);
    if (book === null) {
      const content = { ...emptyContent, ...row.fields };
      const id = books.add(content, row.titleKey);
      changes.push({ id, stored: null, content, titleKey: row.titleKey });
      if (sourceId !== null && books.name(sourceId, id)) names.push({ sourceId, id });
      return { id, outcome: 'added' };
    }
    const { id } = book;
    if (touchedNow.has(id) || isTouched(id)) return { id, outcome: 'repeated' };
    const replacesDemo = source !== demoSource && known.demoIds.has(id);
    if (replacesDemo) replacedDemoIds.push(id);
    if (sourceId !== null && books.name(sourceId, id)) names.push({ sourceId, id });
    const startsEmpty = replacesDemo || book.removed;
    const content = { ...(startsEmpty ? emptyContent : book.content), ...row.fields };
    if (!book.removed && isSameContent(book.content, content)) return { id, outcome: 'unchanged' };
    const key = titleKey(content);
    books.change(id, content, key);
    changes.push({ id, stored: book, content, titleKey: key });
    return { id, outcome: book.removed ? 'added' : 'updated' };
  };

  const merged = rows.map((row) => {
    const one = mergeRow(row);
    touchedNow.add(one.id);
    return one;
  });
  return { changes, names, replacedDemoIds, rows: merged };
}

type BatchBooks = {
  readonly find: (row: KeyedRow) => StoredBook | null;
  /** @returns the id of the new book within the batch. */
  readonly add: (content: BookContent, titleKey: string) => number;
  readonly change: (id: number, content: BookContent, titleKey: string) => void;
  /** @returns false when the source names it so already. */
  readonly name: (sourceId: string, id: number) => boolean;
};

/** The books that the batch may meet, with what its earlier rows have done to them. */
function createBatchBooks(known: KnownBooks): BatchBooks {
  const books = new Map(known.books);
  const names = new Map(known.named);
  const namedIds = new Set<number>(known.named.values());
  const [byIsbn, byTitle] = [idLists(known.byIsbn, namedIds), idLists(known.byTitle, namedIds)];
  let nextId = firstNewId;

  const put = (id: number, { isbn }: BookContent, key: string): void => {
    if (isbn !== null) insertInOrder(byIsbn, isbn, id);
    insertInOrder(byTitle, key, id);
  };
  return {
    find: ({ sourceId, fields, titleKey: key }) => {
      const named = sourceId === null ? undefined : books.get(names.get(sourceId) ?? -1);
      if (named !== undefined) return named;
      const byOneIsbn = typeof fields.isbn === 'string' ? (byIsbn.get(fields.isbn) ?? []) : [];
      for (const id of [...byOneIsbn, ...(byTitle.get(key) ?? [])]) {
        const book = books.get(id);
        // A row with an id is never a book that another id of its source names.
        if (book !== undefined && (sourceId === null || !namedIds.has(id))) return book;
      }
      return null;
    },
    add: (content, key) => {
      const id = nextId++;
      books.set(id, { id, version: 0, removed: false, createdAt: null, content });
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
      namedIds.add(id);
      if (names.get(sourceId) === id) return false;
      names.set(sourceId, id);
      return true;
    },
  };
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

/**
 * An import run on a store that merges one batch in one transaction. A book that was touched is one bit, so that a
 * million of them cost about a megabyte.
 * @param prepare called before the first batch, and again while it fails.
 * @param mergeBatch returns each row with the id that the book has in the catalogue.
 */
export function createImportRun(
  prepare: () => Promise<void>,
  mergeBatch: (rows: readonly SourcedBook[], isTouched: (id: number) => boolean) => Promise<MergedBatch['rows']>,
): ImportRun {
  const touched = new Map<number, number>();
  const groupOf = (id: number): number => Math.floor(id / 32);
  const bitOf = (id: number): number => 1 << (id % 32);
  const isTouched = (id: number): boolean => ((touched.get(groupOf(id)) ?? 0) & bitOf(id)) !== 0;
  let isPrepared = false;
  return {
    merge: async (rows) => {
      if (!isPrepared) await prepare();
      isPrepared = true;
      const merged = await mergeBatch(rows, isTouched);
      for (const { id } of merged) touched.set(groupOf(id), (touched.get(groupOf(id)) ?? 0) | bitOf(id));
      return merged.map(({ outcome }) => outcome);
    },
  };
}
