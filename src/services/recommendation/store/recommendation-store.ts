import type { ProgressStore } from '../../../progress/dead-letter-book.ts';
import type { Book } from '../../../events/book.ts';
import type { TasteChange, Verdict } from '../recommendation-projection.ts';

/**
 * What is known of readers and books. It depends on the set of events alone: every value is a maximum or the last one by
 * (time, tie-break), and what a reader asked to have forgotten is ignored in whatever order it arrives.
 */
export interface RecommendationStore extends ProgressStore<readonly TasteChange[]> {
  /** A reader's last 100 liked books and 20 searches, latest first; all verdicts that hold; all books ever liked. */
  taste(reader: string): Promise<Taste>;

  /** Books by how many readers opened, chose or wanted them, most first; ties by id. */
  popularBooks(limit: number): Promise<readonly { readonly bookId: number; readonly readers: number }[]>;

  /** Books that readers of this one also opened, chose or wanted, most shared readers first; ties by id. */
  readTogether(
    bookId: number,
    limit: number,
  ): Promise<readonly { readonly bookId: number; readonly readers: number }[]>;

  /** Books written after a change number, in order; `null` for a removed one. */
  booksSince(changeNumber: number, limit: number): Promise<readonly BookRow[]>;

  close(): Promise<void>;
}

export type Taste = {
  /** Each with its strongest signal and its last time. */
  readonly liked: readonly { readonly bookId: number; readonly strength: number; readonly time: number }[];
  /** Every liked book, also those beyond the last 100; ascending. */
  readonly met: readonly number[];
  readonly searches: readonly { readonly query: string; readonly bookIds: readonly number[]; readonly time: number }[];
  readonly verdicts: readonly { readonly bookId: number; readonly verdict: Verdict; readonly time: number }[];
};

/** Given by the service that reads the books from this topic: `onRenewal` is called when a copy too old is begun again. */
export type BookRenewal = { readonly topic: string; readonly onRenewal: () => void };

export type BookRow = { readonly changeNumber: number; readonly bookId: number; readonly book: Book | null };
