import type { SourcedBook } from '../../import-run.ts';

/** A list of books, opened for reading once from front to back in constant memory. */
export type BookList = {
  readonly sizeBytes: number;
  readonly bytesRead: () => number;
  /** What is read from which column: `author ← Author, Author l-f`. */
  readonly taken: readonly string[];
  /** Some of the columns from which nothing is read; complete once the rows have been read. */
  readonly unusedColumns: () => readonly string[];
  /** The program that wrote it, or its columns: two files of the same name differ in it. */
  readonly kind: string;
  /** Whether it is the export of a shop, to be taken as it stands. */
  readonly isExact: boolean;
  readonly rows: AsyncIterable<readonly ListedRow[]>;
};

/** A row that is a book, or the reason why it cannot be taken. */
export type ListedRow =
  | {
      /** Where the row begins, from 1. */
      readonly line: number;
      readonly book: SourcedBook;
      /** Values that are left out because they cannot be read. */
      readonly unread: readonly UnreadValue[];
      readonly problem?: undefined;
    }
  | { readonly line: number; readonly problem: string };

export type UnreadValue = { readonly field: string; readonly value: string };
