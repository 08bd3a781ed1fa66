import type { ProgressStore } from '../../../progress/dead-letter-book.ts';
import type { Book } from '../../../events/book.ts';
import type { TasteChange, Verdict } from '../recommendation-projection.ts';

/**
 * What is known of readers and books. It depends only on the set of events: every value is a maximum or the last one by
 * (time, tie-break). What a reader asked to forget is ignored, even if it arrives later.
 */
export interface RecommendationStore extends ProgressStore<readonly TasteChange[]> {
  /** All books a reader liked, latest first; their last 20 searches; all their present verdicts. */
  taste(reader: string): Promise<Taste>;

  /**
   * The readers that changed after a change number, in order, with what is known of them; a forgotten reader has no
   * books.
   */
  readersSince(changeNumber: number, limit: number): Promise<readonly ReaderRow[]>;

  /** The books written after a change number, in order; `null` for a removed one. */
  booksSince(changeNumber: number, limit: number): Promise<readonly BookRow[]>;

  close(): Promise<void>;
}

export type Taste = ReaderBooks & {
  readonly searches: readonly { readonly query: string; readonly bookIds: readonly number[]; readonly time: number }[];
};

/** What a reader did with books. */
export type ReaderBooks = {
  /** Each with its strongest signal and its last time. */
  readonly liked: readonly { readonly bookId: number; readonly strength: number; readonly time: number }[];
  readonly verdicts: readonly { readonly bookId: number; readonly verdict: Verdict; readonly time: number }[];
};

/** `reader` is a hash: it does not say who the reader is. */
export type ReaderRow = ReaderBooks & { readonly changeNumber: number; readonly reader: string };

/**
 * The topic the books are read from. `onRenewal` is called when the copy of the books was too old and is read again.
 */
export type BookRenewal = { readonly topic: string; readonly onRenewal: () => void };

export type BookRow = { readonly changeNumber: number; readonly bookId: number; readonly book: Book | null };
