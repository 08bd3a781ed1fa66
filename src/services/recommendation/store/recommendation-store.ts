import type { ProgressStore } from '../../../progress/dead-letter-book.ts';
import type { Book } from '../../../events/book.ts';
import type { TasteChange, Verdict } from '../recommendation-projection.ts';

/**
 * What is known of readers and books. It depends on the set of events alone: every value is a maximum or the last one by
 * (time, tie-break), and what a reader asked to have forgotten is ignored in whatever order it arrives.
 */
export interface RecommendationStore extends ProgressStore<readonly TasteChange[]> {
  /** All books a reader liked, latest first; their last 20 searches; all verdicts that hold. */
  taste(reader: string): Promise<Taste>;

  /** What is known of the readers that changed after a change number, in order; nothing for one who is forgotten. */
  readersSince(changeNumber: number, limit: number): Promise<readonly ReaderRow[]>;

  /** Books written after a change number, in order; `null` for a removed one. */
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

/** `reader` stands for a reader, and does not say who it is. */
export type ReaderRow = ReaderBooks & { readonly changeNumber: number; readonly reader: string };

/** Given by the service that reads the books from this topic: `onRenewal` is called when a copy too old is begun again. */
export type BookRenewal = { readonly topic: string; readonly onRenewal: () => void };

export type BookRow = { readonly changeNumber: number; readonly bookId: number; readonly book: Book | null };
