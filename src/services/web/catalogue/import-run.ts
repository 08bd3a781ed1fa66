import type { BookContent } from './stored-book.ts';

/** The source of the books a new shop opens with. */
export const demoSource = 'demo';

/**
 * One row of a list of books. An absent field leaves a known book as it is. An empty one (`null`, `''`, 0, no items)
 * erases the value only if the same source gave it.
 */
export type SourcedBook = {
  /** The row's id in its source; `null` when the source gives no ids. */
  readonly sourceId: string | null;
  readonly fields: Partial<BookContent> & { readonly title: string };
};

export type ImportOptions = {
  /** A row with the ISBN of a book is that book, whatever its title. */
  readonly trustIsbn?: boolean;
  /** The list is the export of a shop: a row keeps its ISBN even when another book has it. */
  readonly isExact?: boolean;
};

/**
 * What became of a row. `repeated`: an earlier row of this import was the same book with other values. The row is then
 * not used; otherwise a second import of the file would change the book again.
 */
export type MergeOutcome = 'added' | 'updated' | 'unchanged' | 'repeated';

export type MergedRow = {
  readonly outcome: MergeOutcome;
  /** Books with the row's ISBN or id that have another title: the row is not one of them. */
  readonly conflicts: readonly ImportConflict[];
};

export type ImportConflict = {
  readonly field: 'isbn' | 'id';
  readonly value: string;
  /** The book that has it. */
  readonly title: string;
  readonly author: string;
};

export interface ImportRun {
  /**
   * Merges at most 200 rows in one transaction. A row is
   *   1. the book with its source and source id, if the titles agree (`mayBeSameBook`), else
   *   2. the book with its ISBN-13, if the titles agree, else
   *   3. the book with its title, first author and year, else
   *   4. a new book.
   * If titles do not agree, the row has a conflict, and is stored without the ISBN of the other book. A row with a
   * source id is never a book that has another id in the same source. Two rows of one import with different ISBNs are
   * two books. A row of another source replaces a `demo` book and keeps its id. A removed book is restored when its
   * source id appears again.
   * @returns one per row, in order.
   */
  merge(rows: readonly SourcedBook[]): Promise<readonly MergedRow[]>;
}

/**
 * An import run on a store that merges one batch in one transaction. It keeps one bit for each book that it has
 * changed: about a megabyte for a million of them.
 * @param prepare called before the first batch, and again while it fails.
 * @param mergeBatch returns each row with the id that the book has in the catalogue.
 */
export function createImportRun(
  prepare: () => Promise<void>,
  mergeBatch: (
    rows: readonly SourcedBook[],
    isTouched: (id: number) => boolean,
  ) => Promise<readonly (MergedRow & { readonly id: number })[]>,
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
      return merged.map(({ outcome, conflicts }) => ({ outcome, conflicts }));
    },
  };
}
