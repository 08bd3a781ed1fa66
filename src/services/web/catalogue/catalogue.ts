import type { Book } from '../../../events/book.ts';
import type { Outbox } from './outbox/outbox.ts';

/**
 * The books of the shop. Every change raises the book's version and adds a row to the outbox in the same transaction:
 * the log gets each change that was committed, and no other. The catalogue chooses the ids. It never gives an id twice,
 * also after the book was removed.
 *
 * Not promised: that a change has reached the log when a call returns. The outbox relay brings it there.
 * All calls throw SamsaError `store-unavailable` (retryable, nothing changed) while the store cannot be used.
 */
export interface Catalogue {
  /** The whole book, description uncut; `null` for a removed book or an unknown id. */
  get(id: number): Promise<Book | null>;

  /** Adds a book under a new id, also when it resembles another one. */
  add(content: BookContent): Promise<ChangedBook>;

  /**
   * Replaces the content of a book, or removes the book when `content` is null. The same content again changes nothing.
   * @throws SamsaError `book-unknown` for a removed book or an unknown id.
   */
  change(id: number, content: BookContent): Promise<ChangedBook>;
  change(id: number, content: null): Promise<RemovedBook>;

  /** Begins one import. It remembers which books it has touched. */
  startImport(source: string): ImportRun;

  /** How many books there are, and how many there have been, removed ones included. */
  census(): Promise<{ readonly books: number; readonly everHeld: number }>;
}

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
};

export type ChangedBook = { readonly bookId: number; readonly version: number; readonly book: Book };
export type RemovedBook = { readonly bookId: number; readonly version: number; readonly book: null };

/** One row of a list of books. Fields that are absent stay as they are in a known book. */
export type SourcedBook = {
  /** The row's id in its source; `null` when the source gives no ids. */
  readonly sourceId: string | null;
  readonly fields: Partial<BookContent> & { readonly title: string };
};

/**
 * What became of a row. `repeated`: an earlier row of the same import was the same book, and this row was not used, so
 * that importing a file again changes nothing.
 */
export type MergeOutcome = 'added' | 'updated' | 'unchanged' | 'repeated';

export interface ImportRun {
  /**
   * Merges at most 200 rows in one transaction. A row is the book with its (source, source id); else the book with its
   * ISBN-13; else the book with its title, first author and year; else a new book. A row with a source id is never a book
   * that another id of its source names. A row of another source replaces a `demo` book under its id. A removed book
   * comes back when its source id does.
   * @returns one outcome per row, in order.
   */
  merge(rows: readonly SourcedBook[]): Promise<readonly MergeOutcome[]>;
}

/** A catalogue with its outbox, both on one store. */
export type OpenCatalogue = {
  readonly catalogue: Catalogue;
  readonly outbox: Outbox;
  /** May be called twice. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** The source of the books a new shop opens with. */
export const demoSource = 'demo';
