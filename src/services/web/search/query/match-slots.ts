import { authorKey } from '../../../../text/fields.ts';
import { wholeMark } from '../index/book-row.ts';
import { mostCounted, type IndexReader } from '../index/read-index.ts';
import { slotsCheck } from './rank-books.ts';
import type { Slot } from './parse-query.ts';

export type Matches = {
  /** Most popular first, no more than the limit. */
  readonly places: readonly number[];
  /** How many books match in all, counted up to `mostCounted`. */
  readonly count: number;
  /** False: less popular books may match that were not read. */
  readonly isWhole: boolean;
};

/** The first `limit` books that match all slots. At least one slot. */
export function matchSlots(index: IndexReader, slots: readonly Slot[], limit: number): Matches {
  const ofAuthor = slots.filter(({ only }) => only !== null);
  return ofAuthor.length === 0 ? matchAnywhere(index, slots, limit) : matchAuthors(index, slots, ofAuthor, limit);
}

/**
 * The index does not know in which field a word stands, so this reads the books that have the words, and checks the
 * author.
 */
function matchAuthors(index: IndexReader, slots: readonly Slot[], ofAuthor: readonly Slot[], limit: number): Matches {
  const name = authorKey(ofAuthor.map(({ typed }) => typed).join(' '));
  const anywhere = matchAnywhere(index, slots, mostCounted);
  const byName = index.match(`"${wholeMark(name)}"`, mostCounted);
  const places = placesHaving(index, [...new Set([...byName, ...anywhere.places])], slots).toSorted((a, b) => a - b);
  return {
    places: places.slice(0, limit),
    count: places.length,
    isWhole: Math.max(anywhere.count, byName.length) < mostCounted,
  };
}

/** Whether any book matches all slots. */
export function hasMatch(index: IndexReader, slots: readonly Slot[]): boolean {
  return matchSlots(index, slots, mostCounted).count > 0;
}

function matchAnywhere(index: IndexReader, slots: readonly Slot[], limit: number): Matches {
  const places = index.places(slots);
  return { places: places.slice(0, limit), count: places.length, isWhole: true };
}

/** The places whose books match the slots. */
function placesHaving(index: IndexReader, places: readonly number[], slots: readonly Slot[]): readonly number[] {
  const isMatch = slotsCheck(slots);
  const having = new Set<number>();
  for (const book of index.ranked(places)) if (isMatch(book)) having.add(book.place);
  return places.filter((place) => having.has(place));
}
