import { decodeBookChanged, type BookChanged } from '../../events/book-changed.ts';
import { createBookSearchedDecoder, isSharedReader, type SearchDecoder } from '../../events/book-searched.ts';
import { tieBreakOf } from '../../events/envelope.ts';
import { decodeReaderAction } from '../../events/reader-action.ts';
import type { StoredRecord } from '../../events/record.ts';
import type { TopicNames } from '../../events/topics.ts';
import type { Projection } from '../../projection/projection.ts';

/** What one event says about a reader's taste, or about a book. Times are ms since 1970. */
export type TasteChange =
  | {
      readonly kind: 'searched';
      readonly reader: string;
      readonly query: string;
      /** The books of its answer, best first. */
      readonly bookIds: readonly number[];
      readonly time: number;
      readonly tieBreak: string;
    }
  | {
      readonly kind: 'liked';
      readonly reader: string;
      readonly bookId: number;
      readonly strength: number;
      readonly time: number;
    }
  | {
      readonly kind: 'judged';
      readonly reader: string;
      readonly bookId: number;
      readonly verdict: Verdict;
      /** False: the reader has taken it back. */
      readonly holds: boolean;
      readonly time: number;
      readonly tieBreak: string;
    }
  | { readonly kind: 'forgotten'; readonly reader: string; readonly time: number }
  | { readonly kind: 'book'; readonly change: BookChanged };

export type Verdict = 'wanted' | 'dismissed';

/** How much an action says about a reader's taste. */
export const strengths = { opened: 2, chosen: 3, wanted: 5 } as const;

const rememberedResults = 10;

/**
 * Turns searches, actions and changes of books into what is known of each reader's taste.
 * @param name `recommendation.group_id`: positions are stored under it, so another name reads the whole log again.
 */
export function createRecommendationProjection(
  name: string,
  topics: TopicNames,
  decodeSearch: SearchDecoder = createBookSearchedDecoder(),
): Projection<readonly TasteChange[]> {
  return {
    name,
    version: 2,
    reads: [
      {
        topic: topics.searches,
        compacted: false,
        repeats: 'dropped-by-sequence',
        fold: createSearchFold(decodeSearch),
      },
      { topic: topics.actions, compacted: false, repeats: 'dropped-by-sequence', fold: foldAction },
      {
        topic: topics.changes,
        compacted: true,
        repeats: 'applied-by-version',
        fold: (record) => [{ kind: 'book', change: decodeBookChanged(record) }],
      },
    ],
  };
}

/**
 * Leaves out searches of a shared reader. A search is used only in recommendations to the same reader, and pages never
 * ask for those of a shared reader.
 */
function createSearchFold(decode: SearchDecoder): (record: StoredRecord) => readonly TasteChange[] | 'late' {
  return (record) => {
    const search = decode(record);
    if (search === 'late') return 'late';
    const { reader, query, time } = search;
    if (reader === null || isSharedReader(reader)) return [];
    const bookIds = search.bookIds.slice(0, rememberedResults);
    return [{ kind: 'searched', reader, query, bookIds, time, tieBreak: tieBreakOf(search) }];
  };
}

function foldAction(record: StoredRecord): readonly TasteChange[] | 'late' {
  const acted = decodeReaderAction(record);
  if (acted === 'late') return 'late';
  const { reader, action, bookId, time, tieBreak } = acted;
  if (bookId === null) return [{ kind: 'forgotten', reader, time }];
  const liked = (strength: number): TasteChange => ({ kind: 'liked', reader, bookId, strength, time });
  const judged = (verdict: Verdict, holds: boolean): TasteChange => {
    return { kind: 'judged', reader, bookId, verdict, holds, time, tieBreak };
  };
  switch (action) {
    case 'opened':
    case 'chosen':
      return [liked(strengths[action])];
    case 'wanted':
    case 'unwanted':
      return [judged('wanted', action === 'wanted')];
    case 'dismissed':
    case 'restored':
      return [judged('dismissed', action === 'dismissed')];
    case 'forgotten':
      return [{ kind: 'forgotten', reader, time }];
  }
}
