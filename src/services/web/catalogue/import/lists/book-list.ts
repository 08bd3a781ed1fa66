import type { SourcedBook } from '../../catalogue.ts';

/** Somebody else's list of books, opened for reading once from front to back in constant memory. */
export type BookList = {
  readonly sizeBytes: number;
  readonly bytesRead: () => number;
  /** Some of the columns nothing is read from; all that will be known once the rows have been read. */
  readonly unusedColumns: () => readonly string[];
  readonly rows: AsyncIterable<readonly ListedRow[]>;
};

/** A row that is a book, or the reason why it is none. */
export type ListedRow =
  | {
      /** Where the row begins, from 1. */
      readonly line: number;
      readonly book: SourcedBook;
      /** Fields left out because what stood there could not be understood. */
      readonly leftOut: readonly string[];
      readonly problem?: undefined;
    }
  | { readonly line: number; readonly problem: string };
