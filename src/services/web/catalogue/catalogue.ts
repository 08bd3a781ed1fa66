import type { Book } from '../../../events/book.ts';
import type { BookContent, ChangedBook, RemovedBook } from './stored-book.ts';
import type { ImportOptions, ImportRun } from './import-run.ts';
import type { KeyedRow, KnownBooks } from './merge-books.ts';
import type { Outbox } from './outbox/outbox.ts';

/**
 * The books of the shop. Every change raises the book's version and adds a row to the outbox in the same transaction:
 * the log gets each committed change, and no other. The catalogue chooses the ids. It never gives an id twice, even
 * after the book was removed.
 *
 * Not promised: that a change has reached the log when a call returns. The outbox relay brings it there. All calls
 * throw SamsaError `store-unavailable` (retryable; nothing was changed) while the store cannot be used.
 */
export interface Catalogue {
  /** The whole book, description uncut; `null` for a removed book or an unknown id. */
  get(id: number): Promise<Book | null>;

  /** Adds a book under a new id, even when it resembles another one. */
  add(content: BookContent): Promise<ChangedBook>;

  /**
   * Replaces the content of a book, or removes the book when `content` is null. The same content again changes nothing.
   * Two changes at the same time are made one after the other: the later one replaces what the earlier one wrote.
   * @throws SamsaError `book-unknown` for a removed book or an unknown id.
   */
  change(id: number, content: BookContent): Promise<ChangedBook>;
  change(id: number, content: null): Promise<RemovedBook>;

  /** Starts one import. The run remembers which books it has changed. */
  startImport(source: string, options?: ImportOptions): ImportRun;

  /** Looks up the books that these rows may be, as an import would. */
  find(source: string, rows: readonly KeyedRow[]): Promise<KnownBooks>;

  /** Whole books with ids above `afterId`, ascending. */
  list(afterId: number, limit: number): Promise<readonly Book[]>;

  /** Removes the demo books that nobody has edited and no import has replaced. @returns how many. */
  removeDemoBooks(): Promise<number>;

  /** How many books there are, and how many there have ever been, removed ones included. */
  census(): Promise<{ readonly books: number; readonly everHeld: number }>;
}

/** A catalogue with its outbox, both on one store. */
export type OpenCatalogue = {
  readonly catalogue: Catalogue;
  readonly outbox: Outbox;
  /** May be called twice. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};
