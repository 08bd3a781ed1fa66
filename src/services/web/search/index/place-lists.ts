import { createLruMap } from '../../../../runtime/lru-map.ts';
import { slotsCheck } from '../query/rank-books.ts';
import { slotsExpression, type Slot } from '../query/parse-query.ts';
import type { WrittenBooks } from './index-file.ts';
import { rankedBook, type RankedBook } from './book-row.ts';

/** A limit on memory, in numbers of 8 bytes. An entry without its places counts as 60 of them. */
const rememberedPlaces = 1_500_000;
const placesPerList = 60;
/** How many changes a list may miss. After more, it is read again. */
const changesRemembered = 200;

type PlaceList = { readonly places: readonly number[]; readonly changes: number };
type PlaceChange = { readonly from: number | null; readonly book: RankedBook | null };

/**
 * Remembers the places of the books that match given slots in any field. When a book changes or moves, each list is
 * corrected the next time it is asked for; the rest of the list is kept.
 * @param longest the most places of a list. A longer list is cut, and read again when it loses a book.
 */
export function createPlaceLists(longest: number, load: (expression: string) => readonly number[]) {
  const lists = createLruMap<string, PlaceList>(rememberedPlaces, ({ places }) => placesPerList + places.length);
  let changes: PlaceChange[] = [];
  let counted = 0;

  const reload = (expression: string): readonly number[] => {
    const places = load(expression);
    lists.set(expression, { places, changes: counted });
    return places;
  };

  return {
    get: (slots: readonly Slot[]): readonly number[] => {
      const expression = slotsExpression(slots);
      const list = lists.get(expression);
      if (list === undefined) return reload(expression);
      const missed = counted - list.changes;
      if (missed === 0) return list.places;
      if (missed > changes.length) return reload(expression);
      const places = patched(list.places, changes.slice(changes.length - missed), slots, longest);
      if (places === null) return reload(expression);
      lists.set(expression, { places, changes: counted });
      return places;
    },
    change: (books: WrittenBooks): void => {
      if (books === 'many') {
        lists.clear();
        changes = [];
        return;
      }
      for (const { from, to, row } of books) {
        changes.push({ from, book: to === null || row === null ? null : rankedBook(to, row) });
      }
      counted += books.length;
      if (changes.length > 2 * changesRemembered) changes = changes.slice(-changesRemembered);
    },
  };
}

/** `null` when the list must be read again. */
function patched(
  places: readonly number[],
  changes: readonly PlaceChange[],
  slots: readonly Slot[],
  longest: number,
): readonly number[] | null {
  const isMatch = slotsCheck(slots.map((slot) => ({ ...slot, only: null })));
  let list: number[] | null = null;
  for (const { from, book } of changes) {
    const stood = from === null ? -1 : placeIn(list ?? places, from);
    const belongs = book !== null && isMatch(book);
    if (stood < 0 && !belongs) continue;
    list ??= [...places];
    if (stood >= 0) {
      if (list.length >= longest) return null;
      list.splice(stood, 1);
    }
    if (!belongs) continue;
    const at = placeIn(list, book.place);
    if (at >= 0) continue;
    list.splice(-at - 1, 0, book.place);
    if (list.length > longest) list.pop();
  }
  return list ?? places;
}

/** The index of a place in a rising list; if it is not there, −1 − the index where it would be inserted. */
function placeIn(places: readonly number[], place: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]! < place) low = middle + 1;
    else high = middle;
  }
  return places[low] === place ? low : -low - 1;
}
