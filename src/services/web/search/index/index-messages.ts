import type { BookChanged } from '../../../../events/book-changed.ts';
import type { LogLocation } from '../../../../log/open-log.ts';
import type { Freshness, LedgerRow } from '../../../../projection/ledger.ts';
import type { PlainError } from '../../../../runtime/threads.ts';
import type { SpellingData } from '../spelling/spelling-data.ts';
import type { VocabularyEntry } from '../spelling/vocabulary.ts';
import type { WrittenBooks } from './index-file.ts';

/** What the index thread is started with. */
export type IndexThreadData = {
  readonly path: string;
  readonly log: LogLocation;
  readonly logLevel: string;
};

/** How far the index is, as told several times a second. */
export type IndexState = {
  readonly freshness: Freshness;
  readonly ledger: readonly LedgerRow[];
  readonly problems: readonly string[];
};

export type ToIndexThread =
  | { readonly type: 'apply'; readonly number: number; readonly change: BookChanged }
  /** To be answered when what is in the log by now is in the index, or after `withinMs`. */
  | { readonly type: 'catch-up'; readonly number: number; readonly withinMs: number }
  /** Nobody reads the file any more: delete it and start again. */
  | { readonly type: 'rebuild'; readonly why: string };

export type FromIndexThread =
  /** The file can be opened for reading. */
  | { readonly type: 'opened' }
  | { readonly type: 'failed'; readonly error: PlainError }
  /** These books were written and committed; the words are in no book before them. */
  | { readonly type: 'changed'; readonly books: WrittenBooks; readonly newWords: readonly VocabularyEntry[] }
  /** Corrections by the words of all books so far, and words met since they were prepared. */
  | { readonly type: 'spelling'; readonly data: SpellingData; readonly newWords: readonly VocabularyEntry[] }
  /** Answers `apply` (what it changed was told before) and `catch-up`. */
  | { readonly type: 'done'; readonly number: number; readonly problem: string | null }
  | ({ readonly type: 'state' } & IndexState)
  /** The file is damaged: stop reading it and ask for `rebuild`. */
  | { readonly type: 'damaged'; readonly why: string }
  /** One line of the thread's log, as pino writes it. */
  | { readonly type: 'log'; readonly line: string };
