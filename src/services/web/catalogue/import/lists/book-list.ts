import type { SourcedBook } from '../../import-run.ts';

/** A list of books, open to be read once from start to end in constant memory. */
export type BookList = {
  readonly sizeBytes: number;
  readonly bytesRead: () => number;
  /** Which columns each field is read from: `author ← Author, Author l-f`. */
  readonly taken: readonly string[];
  /** Some of the columns from which nothing is read; complete once the rows have been read. */
  readonly unusedColumns: () => readonly string[];
  /** The program that wrote the list, or a name made of its columns. It tells two files of the same name apart. */
  readonly kind: string;
  /** Whether the list is the export of a shop, whose values are taken unchanged. */
  readonly isExact: boolean;
  /** Each row is read when it is asked for, so that those of a block are not in memory all at once. */
  readonly rows: AsyncIterable<Iterable<ListedRow>>;
};

/** A list as it was found in its file. */
export type FoundList = BookList & {
  /** The names of other lists in the same archive. They are not read. */
  readonly otherLists: readonly string[];
  /** Whether the text is neither UTF-8 nor UTF-16 and is read as Windows-1252; known once the rows have been read. */
  readonly isTakenForWindows1252: () => boolean;
};

/** A row that is a book, or the reason why it cannot be taken. */
export type ListedRow =
  | {
      /** Where the row begins, from 1. */
      readonly line: number;
      readonly book: SourcedBook;
      /** Values that could not be read and are left out. */
      readonly unread: readonly UnreadValue[];
      readonly problem?: undefined;
    }
  | { readonly line: number; readonly problem: string };

export type UnreadValue = { readonly field: string; readonly value: string };
