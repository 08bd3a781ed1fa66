import { bookAt, facetKinds, type FacetFacts, type FacetKind } from './book-row.ts';
import { textAt, type WordData } from './word-data.ts';

export const kinds = Object.keys(facetKinds) as readonly FacetKind[];

/** How many books have each value, those of more popular books first. A value may come in several spellings. */
export type FacetCounts = { readonly [Kind in FacetKind]: Map<string, number> };

export function createFacetCounts(): FacetCounts {
  return { author: new Map(), subject: new Map(), language: new Map() };
}

export function countValues(counts: FacetCounts, kind: FacetKind, facts: FacetFacts): void {
  for (const value of facetKinds[kind].valuesOf(facts)) addTo(counts[kind], value, 1);
}

function addTo(counts: Map<string, number>, value: string, more: number): void {
  counts.set(value, (counts.get(value) ?? 0) + more);
}

/**
 * Counts the values of the books at these places, which rise: at least the `most` most frequent of each kind.
 * @param changedBook a book as it has been since `WordData` was made; `undefined` when it has not changed.
 */
export type CountFacets = (
  places: readonly number[],
  most: number,
  changedBook: (bookId: number) => { readonly facts: FacetFacts } | null | undefined,
) => FacetCounts;

/**
 * A value of `WordData` by its number, or one of a changed book, and how many books have it or another spelling of it.
 */
type Counted = { readonly value: number | string; count: number };

export function createFacetCounter(data: WordData): CountFacets {
  const { facetStarts, facets, kindStarts, sameValues, valueLetters, valueStarts, places } = data;
  const textOf = ({ value }: Counted): string =>
    typeof value === 'string' ? value : textAt(valueLetters, valueStarts, value);

  return (wanted, most, changedBook) => {
    const counted = kinds.map(() => new Map<number | string, Counted>());
    let hasChanged = false;
    let book = 0;
    for (const place of wanted) {
      const changed = changedBook(bookAt(place));
      if (changed !== undefined) {
        hasChanged = true;
        for (const [at, kind] of kinds.entries()) {
          for (const value of facetKinds[kind].valuesOf(changed!.facts)) countOne(counted[at]!, value, value);
        }
        continue;
      }
      book = bookFrom(places, book, place);
      let at = facetStarts[book]!;
      const end = facetStarts[book + 1]!;
      for (let kind = 0; kind < kinds.length; kind++) {
        for (; at < end && facets[at]! < kindStarts[kind + 1]!; at++) {
          countOne(counted[kind]!, sameValues[facets[at]!]!, facets[at]!);
        }
      }
    }
    const counts = createFacetCounts();
    for (const [at, kind] of kinds.entries()) {
      const values = counted[at]!.values();
      const kept = hasChanged ? values : firstOf(values as Iterable<CountedNumber>, most, byCount);
      for (const one of kept) addTo(counts[kind], textOf(one), one.count);
    }
    return counts;
  };
}

function countOne(counts: Map<number | string, Counted>, key: number | string, value: number | string): void {
  const known = counts.get(key);
  if (known === undefined) counts.set(key, { value, count: 1 });
  else known.count++;
}

type CountedNumber = Counted & { readonly value: number };

/** The greater count first. Values are numbered in the order of their texts. */
function byCount(one: CountedNumber, other: CountedNumber): number {
  return other.count - one.count || one.value - other.value;
}

/** The first `most` in an order. */
export function firstOf<Item>(
  items: Iterable<Item>,
  most: number,
  order: (one: Item, other: Item) => number,
): readonly Item[] {
  const first: Item[] = [];
  for (const item of items) {
    let at = first.length;
    while (at > 0 && order(item, first[at - 1]!) < 0) at--;
    if (at === most) continue;
    first.splice(at, 0, item);
    if (first.length > most) first.pop();
  }
  return first;
}

/** The number of the book at a place, which is not less than `least`. */
function bookFrom(places: Float64Array, least: number, place: number): number {
  let low = least;
  let step = 1;
  for (; low + step < places.length && places[low + step]! <= place; step *= 2) low += step;
  let end = Math.min(low + step, places.length);
  while (low + 1 < end) {
    const middle = (low + end) >>> 1;
    if (places[middle]! <= place) low = middle;
    else end = middle;
  }
  return low;
}
