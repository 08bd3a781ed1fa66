import type { Alternative, Slot } from './slots.ts';
import { bookAt, wordsAndStart, type FacetFacts } from './book-row.ts';
import { createFacetCounter, type CountFacets, type FacetCounts } from './facet-counts.ts';
import type { WrittenBooks } from './index-file.ts';
import { bitsFor, createWordTable, isCommon, type WordData, type WordTable } from './word-data.ts';

/**
 * How many sets with one bit per book are remembered: of all kinds, more than one query needs; and of beginnings of
 * many words, which take a millisecond to make for a million books. Their memory is reused, because garbage of this
 * kind piles up faster than it is collected.
 */
const rememberedSets = { ofAll: 36, ofWide: 36 } as const;
/** A beginning is wide if its words are together in more than one of so many books. */
const wideFrom = 16;
/**
 * With more changed books than this, the lists are not used, because finding those would take longer than in the file.
 */
export const mostChanges = 10_000;

/** A book that was written after the lists were made. */
type ChangedBook = { readonly place: number; readonly words: readonly string[]; readonly facts: FacetFacts };
type Changes = ReturnType<typeof createChanges>;

/**
 * Finds the books that match slots in memory: in `WordData`, and in the books that have changed since it was made. It
 * has no answer before the first `WordData`, and after too many changes.
 */
export type WordLists = {
  /**
   * Places of the books that match all slots, most popular first, no more than `longest`.
   * @returns `null` when it has no answer.
   */
  readonly get: (slots: readonly Slot[]) => readonly number[] | null;
  /**
   * The values of facets in the books at these places, which rise: at least the `most` most frequent of each kind.
   * @returns `null` when it has no answer.
   */
  readonly facetCounts: (places: readonly number[], most: number) => FacetCounts | null;
  /** The next `WordData` is being made: it may miss what changes from now on. */
  readonly begin: () => void;
  /** Uses the `WordData` that was begun last. */
  readonly use: (data: WordData) => void;
  readonly change: (books: WrittenBooks) => void;
};

export function createWordLists(longest: number): WordLists {
  let current: {
    readonly find: FindBooks;
    readonly count: CountFacets;
    readonly places: Float64Array;
    readonly changes: Changes;
  } | null = null;
  let begun: Changes | null = null;

  const note = (changes: Changes | null, books: WrittenBooks): Changes | null => {
    if (changes === null || books === 'many' || changes.count() + books.length > mostChanges) return null;
    for (const { bookId, to, row } of books) {
      changes.set(bookId, to === null || row === null ? null : { place: to, words: wordsAndStart(row), facts: row });
    }
    return changes;
  };

  return {
    get: (slots) => {
      if (current === null) return null;
      const { find, places, changes } = current;
      const numbers = find(slots, longest + changes.count());
      const found = numbers.map((number) => places[number]!);
      return changes.count() === 0 ? found : withChanges(found, changes, slots).slice(0, longest);
    },
    facetCounts: (places, most) => current?.count(places, most, current.changes.get) ?? null,
    begin: () => {
      begun = createChanges();
    },
    use: (data) => {
      const lists = { find: createFinder(data), count: createFacetCounter(data), places: data.places };
      current = begun === null ? null : { ...lists, changes: begun };
      begun = null;
    },
    change: (books) => {
      if (current !== null && note(current.changes, books) === null) current = null;
      begun = note(begun, books);
    },
  };
}

/** Books that were written after the lists were made, found by their words. */
function createChanges() {
  const books = new Map<number, ChangedBook | null>();
  const idsByWord = new Map<string, Set<number>>();
  const idsWith = ({ word, prefix }: Alternative['words'][number]): Set<number> => {
    if (!prefix) return idsByWord.get(word) ?? new Set();
    const ids = new Set<number>();
    for (const [one, some] of idsByWord) if (one.startsWith(word)) for (const id of some) ids.add(id);
    return ids;
  };
  const idsOf = ({ alternatives }: Slot): Set<number> => {
    const each = alternatives.map(({ words }) => words.map(idsWith).reduce((one, other) => one.intersection(other)));
    return each.reduce((one, other) => one.union(other), new Set<number>());
  };
  return {
    count: () => books.size,
    /** `undefined`: not changed. `null`: removed. */
    get: (bookId: number): ChangedBook | null | undefined => books.get(bookId),
    set: (bookId: number, book: ChangedBook | null): void => {
      for (const word of books.get(bookId)?.words ?? []) idsByWord.get(word)!.delete(bookId);
      books.set(bookId, book);
      for (const word of book?.words ?? []) {
        const ids = idsByWord.get(word);
        if (ids === undefined) idsByWord.set(word, new Set([bookId]));
        else ids.add(bookId);
      }
    },
    /** Places of the changed books that match all slots. */
    places: (slots: readonly Slot[]): readonly number[] => {
      const [first, ...others] = slots;
      if (first === undefined) return [];
      const found = others.reduce((ids, slot) => (ids.size === 0 ? ids : ids.intersection(idsOf(slot))), idsOf(first));
      return Array.from(found, (bookId) => books.get(bookId)!.place);
    },
  };
}

function withChanges(places: readonly number[], changes: Changes, slots: readonly Slot[]): readonly number[] {
  const unchanged = places.filter((place) => changes.get(bookAt(place)) === undefined);
  const changed = changes.places(slots);
  return changed.length === 0 ? unchanged : [...unchanged, ...changed].sort((a, b) => a - b);
}

/** Numbers of the first books that match all slots, rising. */
type FindBooks = (slots: readonly Slot[], limit: number) => number[];

/** A set of book numbers: a part of `numbers` that is a rising list, or has one bit per book. */
type BookSet = {
  /** How many there are; not less. */
  readonly size: number;
  readonly numbers: Uint32Array;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly isBits: boolean;
};

/** A range of words as one number, or the alternatives of a slot: readings of one query share them. */
type SetKey = number | Slot['alternatives'];
/** The set used longest ago comes first. */
type RememberedSets = { readonly most: number; readonly sets: Map<SetKey, BookSet> };

/** Words that begin alike and have no more books are put into one list. */
const fewBooks = 64;
/** As many short lists are made for one query. */
const shortLists = 32;

function createFinder(data: WordData): FindBooks {
  const { lists, listStarts, places } = data;
  const table = createWordTable(data);
  const wordCount = listStarts.length;
  const remembered: RememberedSets = { most: rememberedSets.ofAll, sets: new Map() };
  const rememberedWide: RememberedSets = { most: rememberedSets.ofWide, sets: new Map() };
  /** Short lists of one query. */
  const short = new Uint32Array(fewBooks * shortLists);
  let shortEnd = 0;

  const isBits = (word: number): boolean => isCommon(table.books(word, word + 1), places.length);
  const ofWord = (at: number): BookSet => ({
    size: table.books(at, at + 1),
    numbers: lists,
    from: listStarts[at]!,
    to: listStarts[at + 1]!,
    isBits: isBits(at),
  });
  const ofBits = (numbers: Uint32Array, size: number): BookSet => {
    return { size, numbers, from: 0, to: numbers.length, isBits: true };
  };
  const addWords = (bits: Uint32Array, { from, to }: Range): void => {
    for (let at = from; at < to; at++) {
      const end = listStarts[at + 1]!;
      if (isBits(at)) {
        for (let next = listStarts[at]!, word = 0; next < end; next++) bits[word++]! |= lists[next]!;
      } else for (let next = listStarts[at]!; next < end; next++) addBit(bits, lists[next]!);
    }
  };
  const emptyBits = ({ sets, most }: RememberedSets): Uint32Array => {
    const oldest = sets.size < most ? undefined : sets.entries().next().value;
    if (oldest === undefined) return new Uint32Array(bitsFor(places.length));
    const [key, { numbers }] = oldest;
    sets.delete(key);
    return numbers.fill(0);
  };
  /** Not remembered, so that it takes the memory of no set that the query still needs. */
  const ofRangeOnce = (range: Range): BookSet => {
    if (range.to - range.from === 1) return ofWord(range.from);
    const bits = new Uint32Array(bitsFor(places.length));
    addWords(bits, range);
    return ofBits(bits, table.books(range.from, range.to));
  };
  const ofAny = (ways: readonly (readonly Range[])[], bits: Uint32Array): BookSet => {
    let size = 0;
    for (const ranges of ways) {
      const [range, ...others] = ranges;
      if (others.length === 0) {
        addWords(bits, range!);
        size += table.books(range!.from, range!.to);
        continue;
      }
      const found = booksInAll(ranges.map(ofRangeOnce), places.length);
      for (const number of found) addBit(bits, number);
      size += found.length;
    }
    return ofBits(bits, size);
  };
  const onceMade = (from: RememberedSets, key: SetKey, ways: readonly (readonly Range[])[]): BookSet => {
    const set = from.sets.get(key) ?? ofAny(ways, emptyBits(from));
    from.sets.delete(key);
    from.sets.set(key, set);
    return set;
  };
  /** The books of few words with few books. */
  const shortList = ({ from, to }: Range): BookSet => {
    const start = shortEnd;
    for (let at = from; at < to; at++) {
      for (let next = listStarts[at]!; next < listStarts[at + 1]!; next++) {
        shortEnd = insert(short, start, shortEnd, lists[next]!);
      }
    }
    return { size: shortEnd - start, numbers: short, from: start, to: shortEnd, isBits: false };
  };
  const ofRange = (range: Range): BookSet => {
    const { from, to } = range;
    if (to - from === 1) return ofWord(from);
    const books = table.books(from, to);
    // No more than bitsFor, so that none of the words is common.
    const isShort = books <= Math.min(fewBooks, bitsFor(places.length)) && shortEnd + books <= short.length;
    if (isShort) return shortList(range);
    const isWide = books > places.length / wideFrom;
    return onceMade(isWide ? rememberedWide : remembered, from * wordCount + to, [[range]]);
  };
  /** `null` when no book has the words. */
  const setOf = ({ alternatives }: Slot): BookSet | null => {
    const [first] = alternatives;
    if (alternatives.length === 1 && first!.words.length === 1) {
      const { word, prefix } = first!.words[0]!;
      const range = table.range(word, prefix);
      return range.from === range.to ? null : ofRange(range);
    }
    const ways = alternatives.map((alternative) => rangesOf(table, alternative)).filter((ranges) => ranges !== null);
    const [way] = ways;
    if (way === undefined) return null;
    if (ways.length === 1 && way.length === 1) return ofRange(way[0]!);
    return onceMade(remembered, alternatives, ways);
  };

  return (slots, limit) => {
    shortEnd = 0;
    const sets: BookSet[] = [];
    for (const slot of slots) {
      const set = setOf(slot);
      if (set === null) return [];
      sets.push(set);
    }
    return booksInAll(sets, limit);
  };
}

/** Inserts a number into the rising list from `start` to `end`, unless it is there. @returns the end of the list. */
function insert(list: Uint32Array, start: number, end: number, number: number): number {
  let at = end;
  while (at > start && list[at - 1]! > number) at--;
  if (at > start && list[at - 1] === number) return end;
  for (let moved = end; moved > at; moved--) list[moved] = list[moved - 1]!;
  list[at] = number;
  return end + 1;
}

type Range = { readonly from: number; readonly to: number };

function rangesOf(table: WordTable, { words }: Alternative): readonly Range[] | null {
  const ranges: Range[] = [];
  for (const { word, prefix } of words) {
    const range = table.range(word, prefix);
    if (range.from === range.to) return null;
    ranges.push(range);
  }
  return ranges;
}

function addBit(bits: Uint32Array, number: number): void {
  bits[number >>> 5]! |= 1 << (number & 31);
}

/** The first books that are in every set. Goes through the smallest set and checks the others. */
function booksInAll(sets: readonly BookSet[], limit: number): number[] {
  const found: number[] = [];
  let [smallest] = sets;
  for (const set of sets) if (set.size < smallest!.size) smallest = set;
  if (smallest === undefined) return found;
  const { numbers, from, to, isBits } = smallest;
  /** Sets with one bit per book like the smallest: 32 books are checked at once. */
  const alike: BookSet[] = [];
  const checks: ((number: number) => boolean)[] = [];
  for (const set of sets) {
    if (set === smallest) continue;
    if (isBits && set.isBits) alike.push(set);
    else checks.push(createCheck(set));
  }
  const take = (number: number): boolean => {
    for (let at = 0; at < checks.length; at++) if (!checks[at]!(number)) return true;
    found.push(number);
    return found.length < limit;
  };
  if (!isBits) {
    for (let at = from; at < to; at++) if (!take(numbers[at]!)) break;
    return found;
  }
  for (let at = from; at < to; at++) {
    let left = numbers[at]!;
    for (let other = 0; left !== 0 && other < alike.length; other++) {
      left &= alike[other]!.numbers[alike[other]!.from + at - from]!;
    }
    for (; left !== 0; left &= left - 1) {
      if (!take((at - from) * 32 + 31 - Math.clz32(left & -left))) return found;
    }
  }
  return found;
}

/** Returns a check whether a book is in the set. Ask it for rising numbers. */
function createCheck({ numbers, from, to, isBits }: BookSet): (number: number) => boolean {
  if (isBits) return (number) => ((numbers[from + (number >>> 5)]! >>> (number & 31)) & 1) === 1;
  let at = from;
  return (number) => {
    let step = 1;
    for (; at + step < to && numbers[at + step]! < number; step *= 2) at += step;
    let end = Math.min(at + step, to);
    while (at < end) {
      const middle = (at + end) >>> 1;
      if (numbers[middle]! < number) at = middle + 1;
      else end = middle;
    }
    return at < to && numbers[at] === number;
  };
}
