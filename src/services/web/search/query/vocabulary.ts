import { createLruMap, type LruMap } from '../../../../runtime/lru-map.ts';
import { searchWords } from '../index/book-row.ts';
import type { WrittenBooks } from '../index/index-file.ts';
import { createWordTable, forEachDeletion, itemLetters, type WordData } from '../index/word-data.ts';

/** A word that was perhaps meant. */
export type Correction = {
  readonly word: string;
  /** Whether it is only the beginning of words, because what was typed is unfinished. */
  readonly prefix: boolean;
  readonly edits: number;
  readonly books: number;
};

type Correct = (word: string, edits: number) => readonly Correction[];

/** Looks words up among those of all books. */
export type Vocabulary = {
  /** How many books have the word; with `prefix`, words that begin with it. */
  readonly books: (word: string, prefix: boolean) => number;
  /** Whether any book has the word; with `prefix`, a word that begins with it. */
  readonly has: (word: string, prefix: boolean) => boolean;
  /** Words that are at most so many edits away, at most two of them in the first letters; the likeliest first. */
  readonly corrections: Correct;
  /** Beginnings of words, and longer words whose beginning is at most so many edits away. */
  readonly unfinished: Correct;
  /** Adds words that only these books have. At most 500 are kept, since they are compared one by one. */
  readonly add: (books: WrittenBooks) => void;
};

const mostCorrections = 36;
const mostUnfinished = 16;
const mostAdded = 500;
/** Corrections of so many words are remembered: common words are asked for again and again, even in one search. */
const rememberedWords = 1_500;

export function createVocabulary(data: WordData): Vocabulary {
  const { buckets, tags, items, letters, starts } = data;
  const { wordAt, lengthOf, has, range, sameStart, books } = createWordTable(data);
  const bucketCount = buckets.length - 1;
  const forEachItem = (text: string, edits: number, use: (first: number, length: number) => void): void => {
    const met = new Set<number>();
    forEachDeletion(text, edits, (hash) => {
      const bucket = hash & (bucketCount - 1);
      const tag = hash >>> 16;
      for (let at = buckets[bucket]!; at < buckets[bucket + 1]!; at++) {
        if (tags[at] !== tag || met.has(items[at]!)) continue;
        met.add(items[at]!);
        use(Math.floor(items[at]! / 8), items[at]! % 8);
      }
    });
  };
  /** In how many of the books that came later a word is. */
  const added = new Map<string, number>();
  const addedWithin = (word: string, edits: number): readonly Correction[] => {
    const within: Correction[] = [];
    for (const [one, books] of added) {
      if (Math.abs(one.length - word.length) > edits) continue;
      const distance = distanceTo(word.length, writeLetters(one, otherLetters), 0, one.length, edits);
      if (distance > 0 && distance <= edits) within.push({ word: one, prefix: false, edits: distance, books });
    }
    return within;
  };
  const addWord = (word: string): void => {
    const known = added.get(word);
    if (known !== undefined) added.set(word, known + 1);
    else if (added.size < mostAdded && booksWith(word, false) === 0) added.set(word, 1);
  };
  const booksWith = (word: string, prefix: boolean): number => {
    const { from, to } = range(word, prefix);
    return books(from, to);
  };
  const remembered: LruMap<string, readonly Correction[]>[] = [];
  const remembering = (correct: Correct): Correct => {
    const known = createLruMap<string, readonly Correction[]>(rememberedWords);
    remembered.push(known);
    return (word, edits) => {
      const key = `${edits}${word}`;
      let found = known.get(key);
      if (found === undefined) known.set(key, (found = correct(word, edits)));
      return found;
    };
  };

  return {
    books: (word, prefix) => {
      let sum = booksWith(word, prefix);
      if (prefix) for (const [one, books] of added) sum += one.startsWith(word) ? books : 0;
      else if (sum === 0) sum = added.get(word) ?? 0;
      return sum;
    },
    has: (word, prefix) =>
      has(word, prefix) || added.has(word) || (prefix && [...added.keys()].some((one) => one.startsWith(word))),
    corrections: remembering((word, edits) => {
      const found = new Map<number, Correction>();
      writeLetters(word, typedLetters);
      const check = (at: number): void => {
        const length = lengthOf(at);
        if (Math.abs(length - word.length) > edits) return;
        const distance = distanceTo(word.length, letters, starts[at]!, length, edits);
        if (distance === 0 || distance > edits || found.has(at)) return;
        found.set(at, { word: wordAt(at), prefix: false, edits: distance, books: books(at, at + 1) });
      };
      forEachItem(word.slice(0, itemLetters.most), Math.min(edits, 2), (first, length) => {
        if (length < itemLetters.most) {
          if (lengthOf(first) === length) check(first);
          return;
        }
        const end = sameStart(first, length);
        for (let at = first; at < end; at++) check(at);
      });
      return likeliest(word, [...found.values(), ...addedWithin(word, edits)], mostCorrections);
    }),
    unfinished: remembering((start, edits) => {
      const found = new Map<string, Correction>();
      const stem = start.slice(0, itemLetters.most);
      writeLetters(start, typedLetters);
      forEachItem(stem, edits, (first, length) => {
        if (start.length < itemLetters.most) {
          const distance = distances(start.length, letters, starts[first]!, length, edits)[length]!;
          if (distance === 0 || distance > edits) return;
          const candidate = wordAt(first).slice(0, length);
          const known = books(first, sameStart(first, length));
          found.set(candidate, { word: candidate, prefix: true, edits: distance, books: known });
        } else if (length === itemLetters.most) {
          const end = sameStart(first, length);
          for (let at = first; at < end; at++) {
            const least = leastOf(start.length, letters, starts[at]!, Math.min(lengthOf(at), start.length + 2), edits);
            if (least === 0 || least > edits) continue;
            const candidate = wordAt(at);
            found.set(candidate, { word: candidate, prefix: false, edits: least, books: books(at, at + 1) });
          }
        }
      });
      return likeliest(start, [...found.values()], mostUnfinished);
    }),
    add: (books) => {
      if (books === 'many') return;
      for (const one of remembered) one.clear();
      for (const { row } of books) if (row !== null) searchWords(row).forEach(addWord);
    },
  };
}

/** Fewer edits first, then words of many books. A wrong first letter counts as unlikely. */
function likeliest(typed: string, corrections: Correction[], most: number): readonly Correction[] {
  const worth = ({ word, edits, books }: Correction): number =>
    Math.log2(1 + books) - 8 * edits - (word.charCodeAt(0) === typed.charCodeAt(0) ? 0 : 3);
  return corrections
    .map((correction) => ({ correction, worth: worth(correction) }))
    .sort((one, other) => other.worth - one.worth || (one.correction.word < other.correction.word ? -1 : 1))
    .slice(0, most)
    .map(({ correction }) => correction);
}

/** The letters of the word that others are compared with. No word is longer than a query. */
const typedLetters = new Uint16Array(256);
const otherLetters = new Uint16Array(256);
/** Rows of the table of distances. */
const rows = [new Uint16Array(256), new Uint16Array(256), new Uint16Array(256)] as const;

function writeLetters(word: string, into: Uint16Array): Uint16Array {
  for (let at = 0; at < word.length && at < into.length; at++) into[at] = word.charCodeAt(at);
  return into;
}

/** How many typing errors are between two words of at most 255 letters. */
export function editDistance(one: string, other: string): number {
  writeLetters(one, typedLetters);
  return distanceTo(one.length, writeLetters(other, otherLetters), 0, other.length, Infinity);
}

/** The distance from the typed letters to another word, as `distances`. What both begin and end with is left out. */
function distanceTo(typed: number, others: Uint16Array, from: number, length: number, most: number): number {
  const shorter = Math.min(typed, length);
  let start = 0;
  while (start < shorter && typedLetters[start] === others[from + start]) start++;
  let end = 0;
  while (end < shorter - start && typedLetters[typed - 1 - end] === others[from + length - 1 - end]) end++;
  const left = length - start - end;
  return distances(typed - start - end, others, from + start, left, most, start)[left]!;
}

/** The least distance between the typed letters and any beginning of the other word. */
function leastOf(typed: number, others: Uint16Array, from: number, length: number, most: number): number {
  const found = distances(typed, others, from, length, most);
  let least = typed;
  for (let end = 1; end <= length; end++) least = Math.min(least, found[end]!);
  return least;
}

/**
 * The distances from `typed` letters of `typedLetters`, after the `skipped` ones, to each beginning of another word, which
 * is the `length` letters at `from` of `others`. Optimal string alignment: insertions, deletions, substitutions and
 * swaps of neighbours are each one edit. Distances above `most` are not exact, but above `most`. Valid until the next
 * call.
 */
function distances(
  typed: number,
  others: Uint16Array,
  from: number,
  length: number,
  most: number,
  skipped = 0,
): Uint16Array {
  let [beforeLast, last, current] = rows;
  let leastOfLast = 0;
  for (let column = 0; column <= length; column++) last[column] = column;
  for (let row = 1; row <= typed; row++) {
    const letter = typedLetters[skipped + row - 1]!;
    const letterBefore = row > 1 ? typedLetters[skipped + row - 2]! : -1;
    let least = row;
    current[0] = row;
    for (let column = 1; column <= length; column++) {
      const other = others[from + column - 1]!;
      let cost = last[column - 1]! + (letter === other ? 0 : 1);
      if (last[column]! + 1 < cost) cost = last[column]! + 1;
      if (current[column - 1]! + 1 < cost) cost = current[column - 1]! + 1;
      const otherBefore = column > 1 ? others[from + column - 2]! : -1;
      const isSwapped = other === letterBefore && letter === otherBefore;
      if (isSwapped && beforeLast[column - 2]! + 1 < cost) cost = beforeLast[column - 2]! + 1;
      current[column] = cost;
      if (cost < least) least = cost;
    }
    // A swap skips one row, so two rows without a small distance are needed.
    if (Math.min(least, leastOfLast) > most) return current;
    leastOfLast = least;
    [beforeLast, last, current] = [last, current, beforeLast];
  }
  return last;
}
