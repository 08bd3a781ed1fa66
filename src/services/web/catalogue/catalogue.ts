import type { Book } from '../../../events/book.ts';
import type { Outbox } from './outbox/outbox.ts';

/**
 * The books of the shop, and the one place where they change. Every change raises the book's version and leaves a row
 * in the outbox in the same transaction, so that no change is lost on its way to the log, and none is told that did
 * not happen. Ids are the catalogue's own and never given twice, also after a book was removed.
 *
 * Not promised: that a change has reached the log when a call returns (the outbox relay sees to it).
 * All calls throw SamsaError `store-unavailable` (retryable, nothing changed) while the store cannot be used.
 */
export interface Catalogue {
  /** The whole book, description uncut; `null` when there is none or it was removed. */
  get(id: number): Promise<Book | null>;

  /** Adds a book under a new id, without asking whether it resembles another. */
  add(content: BookContent): Promise<ChangedBook>;

  /**
   * Replaces everything a book says about itself, or removes it with `null`. Content that says the same again raises
   * no version.
   * @throws SamsaError `book-unknown` when there is no such book or it was removed.
   */
  change(id: number, content: BookContent): Promise<ChangedBook>;
  change(id: number, content: null): Promise<RemovedBook>;

  /** Begins one import; what it has touched is remembered until the run is dropped. */
  startImport(source: string): ImportRun;

  /** How many books there are, and how many there have ever been. */
  census(): Promise<{ readonly books: number; readonly everHeld: number }>;
}

/** What a book says about itself: all of it but id and `created_at`, which are the catalogue's to give. */
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

/** One row of somebody else's list of books. Fields the list does not have are left as they are in a known book. */
export type SourcedBook = {
  /** The row's id in its source; `null` when the source has none. */
  readonly sourceId: string | null;
  readonly fields: Partial<BookContent> & { readonly title: string };
};

/**
 * What became of a row. `repeated`: an earlier row of the same import was the same book; that one stands, so that
 * importing a file again changes nothing.
 */
export type MergeOutcome = 'added' | 'updated' | 'unchanged' | 'repeated';

export interface ImportRun {
  /**
   * Merges rows in one transaction; give at most 200, so that nobody waits long for the store. A row is the book
   * which has its (source, source id); else the one with its ISBN-13; else the one with its title, first author and
   * year; else a new one. A row with a source id is never merged into a book that another id of its source names. A
   * `demo` book gives its place, and id, to the row of another source; a removed book comes back when its source id
   * does.
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
