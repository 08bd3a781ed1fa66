import { hash } from 'node:crypto';
import { SamsaError } from '../../../../errors.ts';
import { decodeBookChanged, type BookChanged } from '../../../../events/book-changed.ts';
import { decodeReaderAction, type ReaderActionName } from '../../../../events/reader-action.ts';
import type { StoredRecord } from '../../../../events/record.ts';
import type { TopicNames } from '../../../../events/topics.ts';
import type { Projection } from '../../../../projection/projection.ts';
import { dayMs } from '../../../../runtime/time.ts';
import { largestBookId } from './book-row.ts';

/** What a record means for the index. */
export type SearchChange =
  | ({ readonly kind: 'book' } & BookChanged)
  /** A reader's interest raises a book's popularity; 0 points for actions that say nothing about it. */
  | {
      readonly kind: 'interest';
      readonly bookId: number;
      readonly month: number;
      /** 48 bits of a hash: a reader counts once per book and month, and is not named in the index. */
      readonly reader: number;
      readonly points: number;
    }
  /** The interest of a reader is removed. Actions of one reader are in one partition, so it comes after all of it. */
  | { readonly kind: 'forgotten'; readonly reader: number };

/** Positions in the index file are stored under this name: renaming it re-reads the log. */
export const searchProjectionName = 'search-index';

/**
 * Raise it when a fold, the schema, or the way texts are cut changes: index files of another version are built again.
 */
export const searchProjectionVersion = 6;

const monthMs = 30 * dayMs;

const interest: Readonly<Record<Exclude<ReaderActionName, 'forgotten'>, number>> = {
  opened: 1,
  chosen: 2,
  wanted: 4,
  unwanted: 0,
  dismissed: 0,
  restored: 0,
};

/**
 * Applies book changes by version, and of a reader's actions the strongest per book and month, in any order. Only
 * `forgotten` must come after the actions that it removes.
 */
export function createSearchProjection(topics: Pick<TopicNames, 'changes' | 'actions'>): Projection<SearchChange> {
  return {
    name: searchProjectionName,
    version: searchProjectionVersion,
    reads: [
      { topic: topics.changes, compacted: true, repeats: 'applied-by-version', fold: foldBookChange },
      { topic: topics.actions, compacted: false, repeats: 'dropped-by-sequence', fold: foldReaderAction },
    ],
  };
}

function foldBookChange(record: StoredRecord): SearchChange {
  const change = decodeBookChanged(record);
  checkBookId(change.bookId);
  return { kind: 'book', ...change };
}

function foldReaderAction(record: StoredRecord): SearchChange | 'late' {
  const decoded = decodeReaderAction(record);
  if (decoded === 'late') return 'late';
  const { action, bookId, time } = decoded;
  const reader = hash('sha256', decoded.reader, 'buffer').readUIntBE(0, 6);
  if (action === 'forgotten' || bookId === null) return { kind: 'forgotten', reader };
  checkBookId(bookId);
  return { kind: 'interest', bookId, month: Math.floor(time / monthMs), reader, points: interest[action] };
}

/**
 * The last month whose interest is forgotten, with all months before it, when everything up to `watermarkMs` has been
 * read.
 */
export function lastForgottenMonth(watermarkMs: number, retentionMs: number): number {
  return Math.ceil((watermarkMs - retentionMs) / monthMs) - 1;
}

function checkBookId(bookId: number): void {
  if (bookId <= largestBookId) return;
  throw new SamsaError('bad-event', `book id: expected at most ${largestBookId}, got ${bookId}`);
}
