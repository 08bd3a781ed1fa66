import type { Book } from '../../../events/book.ts';

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
  /** Original title, subtitle and others by which it is known. */
  readonly other_titles: readonly string[];
};

export type ChangedBook = { readonly bookId: number; readonly version: number; readonly book: Book };
export type RemovedBook = { readonly bookId: number; readonly version: number; readonly book: null };
