import { authorKey } from '../../../../text/fields.ts';
import { functionWords } from '../../../../text/words.ts';
import { wholeMark } from '../index/book-row.ts';
import { mostCounted, type IndexReader } from '../index/read-index.ts';
import { slotsCheck } from './rank-books.ts';
import { slotsExpression, type Slot } from './parse-query.ts';

export type Matches = {
  /** Most popular first, no more than the limit. */
  readonly places: readonly number[];
  /** How many books match in all, counted up to `mostCounted`. */
  readonly count: number;
  /** False: less popular books may match that were not read. */
  readonly isWhole: boolean;
};

/** Up to this many rows are checked one by one. For more, the index finds the words faster. */
const rowsChecked = 250;
/**
 * The most slots that the index is asked for together. Of more, it is asked for those with the longest words, and the
 * others are looked for in the texts of the books found.
 */
const askedTogether = 6;

/**
 * The first `limit` books that match all slots. At least one slot.
 *
 * Readers combine the same words in ever new ways, so each slot's list of places is remembered. Comparing two lists
 * takes a few microseconds, a statement about fifty. A slot that is too common for a list is looked for in the texts of
 * the books that the other slots lead to. If all slots are common, they are asked and remembered together.
 */
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
  if (slots.every(({ only }) => only === null)) return index.hasMoreThan(slotsExpression(slots), 0);
  return matchSlots(index, slots, mostCounted).count > 0;
}

function matchAnywhere(index: IndexReader, slots: readonly Slot[], limit: number): Matches {
  const telling: (readonly number[])[] = [];
  const common: Slot[] = [];
  for (const slot of slots) {
    const isCommon = slot.books >= mostCounted || (slots.length > askedTogether && functionWords.has(slot.typed));
    const places = slots.length > 1 && isCommon ? null : index.places([slot]);
    if (places !== null && (places.length < mostCounted || slots.length === 1)) telling.push(places);
    else common.push(slot);
  }
  if (telling.length > 0) {
    const places = placesInAll(telling);
    if (common.length === 0) return firstOf(places, limit);
    if (places.length < rowsChecked) {
      return firstOf(placesHaving(index, places, common.map(anywhere)), limit);
    }
  }
  const asked = slots.length > askedTogether ? longest(slots) : slots;
  const places = index.places(asked);
  return firstOf(asked === slots ? places : placesHaving(index, places, slots.map(anywhere)), limit);
}

function firstOf(places: readonly number[], limit: number): Matches {
  return { places: places.slice(0, limit), count: places.length, isWhole: true };
}

function anywhere(slot: Slot): Slot {
  return { ...slot, only: null };
}

/** The places whose books match the slots. */
function placesHaving(index: IndexReader, places: readonly number[], slots: readonly Slot[]): readonly number[] {
  const isMatch = slotsCheck(slots);
  const having = new Set<number>();
  for (const book of index.ranked(places)) if (isMatch(book)) having.add(book.place);
  return places.filter((place) => having.has(place));
}

/** The slots with the longest words, which are mostly the rarest, first. */
function longest(slots: readonly Slot[]): readonly Slot[] {
  return [...slots].sort((a, b) => b.typed.length - a.typed.length).slice(0, askedTogether);
}

/** The places that are in all of these rising lists. */
function placesInAll(lists: readonly (readonly number[])[]): readonly number[] {
  const [shortest = [], ...others] = [...lists].sort((a, b) => a.length - b.length);
  let common = shortest;
  for (const list of others) common = placesInBoth(common, list);
  return common;
}

function placesInBoth(few: readonly number[], many: readonly number[]): readonly number[] {
  const both: number[] = [];
  let at = 0;
  for (const place of few) {
    while (at < many.length && many[at]! < place) at++;
    if (many[at] === place) both.push(place);
  }
  return both;
}
