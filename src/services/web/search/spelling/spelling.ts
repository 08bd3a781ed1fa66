import { forEachDeletion, itemLetters, type SpellingData, type VocabularyEntry } from './spelling-data.ts';

/** A word that was perhaps meant. */
export type Correction = {
  readonly word: string;
  /** Whether it is only the beginning of words, because what was typed is unfinished. */
  readonly prefix: boolean;
  readonly edits: number;
  readonly books: number;
  readonly popularityPoints: number;
};

/** Looks words up in a vocabulary. */
export type Spelling = {
  /** How many books have the word; with `prefix`, words that begin with it. */
  readonly books: (word: string, prefix: boolean) => number;
  /** Words of at most so many edits, the likeliest first. */
  readonly corrections: (word: string, edits: number) => readonly Correction[];
  /** Beginnings of words, and longer words whose beginning is at most so many edits away. */
  readonly unfinished: (start: string, edits: number) => readonly Correction[];
  /**
   * Adds words that were first met after the vocabulary was prepared. Add only a few, since they are compared one by
   * one.
   */
  readonly add: (words: readonly VocabularyEntry[]) => void;
};

const mostCorrections = 36;
const mostUnfinished = 16;

export function createSpelling(data: SpellingData): Spelling {
  const { letters, starts, books, popularityPoints, buckets, tags, items } = data;
  const count = books.length;
  const bucketCount = buckets.length - 1;
  const wordAt = (at: number): string => String.fromCharCode(...letters.subarray(starts[at], starts[at + 1]));
  const lengthOf = (at: number): number => starts[at + 1]! - starts[at]!;

  const compare = (at: number, text: string): number => {
    const from = starts[at]!;
    const length = starts[at + 1]! - from;
    for (let letter = 0; letter < length && letter < text.length; letter++) {
      const difference = letters[from + letter]! - text.charCodeAt(letter);
      if (difference !== 0) return difference;
    }
    return length - text.length;
  };
  const startsWith = (at: number, text: string): boolean => {
    const from = starts[at]!;
    if (starts[at + 1]! - from < text.length) return false;
    for (let letter = 0; letter < text.length; letter++) {
      if (letters[from + letter] !== text.charCodeAt(letter)) return false;
    }
    return true;
  };
  /** The first word that does not sort before the text. */
  const firstFrom = (text: string): number => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(middle, text) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const sameStart = (first: number, length: number, use: (at: number) => void): void => {
    const start = wordAt(first).slice(0, length);
    for (let at = first; at < count && startsWith(at, start); at++) use(at);
  };
  const forEachItem = (text: string, edits: number, use: (first: number, length: number) => void): void => {
    const met = new Set<number>();
    forEachDeletion(text, edits, (hash) => {
      const bucket = hash % bucketCount;
      const tag = hash >>> 16;
      for (let at = buckets[bucket]!; at < buckets[bucket + 1]!; at++) {
        if (tags[at] !== tag || met.has(items[at]!)) continue;
        met.add(items[at]!);
        use(Math.floor(items[at]! / 8), items[at]! % 8);
      }
    });
  };
  const added = new Map<string, VocabularyEntry>();
  const addedWithin = (word: string, edits: number): readonly Correction[] => {
    const within: Correction[] = [];
    for (const one of added.values()) {
      if (Math.abs(one.word.length - word.length) > edits) continue;
      const distance = editDistance(word, one.word);
      if (distance > 0 && distance <= edits) within.push({ ...one, prefix: false, edits: distance });
    }
    return within;
  };
  const correction = (at: number, edits: number, word: string, prefix: boolean): Correction => {
    return { word, prefix, edits, books: books[at]!, popularityPoints: popularityPoints[at]! / 4 };
  };

  return {
    books: (word, prefix) => {
      let at = firstFrom(word);
      if (!prefix) return at < count && compare(at, word) === 0 ? books[at]! : (added.get(word)?.books ?? 0);
      let sum = 0;
      for (const entry of added.values()) if (entry.word.startsWith(word)) sum += entry.books;
      for (; at < count && sum < 1_000 && startsWith(at, word); at++) sum += books[at]!;
      return sum;
    },
    corrections: (word, edits) => {
      const found = new Map<number, Correction>();
      const check = (at: number): void => {
        if (found.has(at) || Math.abs(lengthOf(at) - word.length) > edits) return;
        const candidate = wordAt(at);
        const distance = editDistance(word, candidate);
        if (distance > 0 && distance <= edits) found.set(at, correction(at, distance, candidate, false));
      };
      forEachItem(word.slice(0, itemLetters.most), edits, (first, length) => {
        if (length === itemLetters.most) sameStart(first, length, check);
        else if (lengthOf(first) === length) check(first);
      });
      return likeliest(word, [...found.values(), ...addedWithin(word, edits)], mostCorrections);
    },
    unfinished: (start, edits) => {
      const found = new Map<string, Correction>();
      const stem = start.slice(0, itemLetters.most);
      forEachItem(stem, edits, (first, length) => {
        if (start.length < itemLetters.most) {
          const candidate = wordAt(first).slice(0, length);
          const distance = editDistance(start, candidate);
          if (distance === 0 || distance > edits) return;
          let best = correction(first, distance, candidate, true);
          let sum = 0;
          sameStart(first, length, (at) => {
            sum += books[at]!;
            if (popularityPoints[at]! / 4 > best.popularityPoints) best = correction(at, distance, candidate, true);
          });
          found.set(candidate, { ...best, books: sum });
        } else if (length === itemLetters.most) {
          sameStart(first, length, (at) => {
            const candidate = wordAt(at);
            const distance = startDistance(start, candidate);
            if (distance > 0 && distance <= edits) found.set(candidate, correction(at, distance, candidate, false));
          });
        }
      });
      return likeliest(start, [...found.values()], mostUnfinished);
    },
    add: (words) => {
      for (const entry of words) added.set(entry.word, entry);
    },
  };
}

/** Fewer edits first, then words of many books. A wrong first letter counts as unlikely. */
function likeliest(typed: string, corrections: Correction[], most: number): readonly Correction[] {
  const worth = ({ word, edits, books }: Correction): number =>
    Math.log2(1 + books) - 8 * edits - (word.charCodeAt(0) === typed.charCodeAt(0) ? 0 : 3);
  return corrections.sort((one, other) => worth(other) - worth(one) || (one.word < other.word ? -1 : 1)).slice(0, most);
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, each one edit. */
export function editDistance(one: string, other: string): number {
  return lastRow(one, other)[other.length]!;
}

/** The least distance between the first text and any beginning of the second. */
function startDistance(start: string, word: string): number {
  const beginning = word.slice(0, start.length + 2);
  const distances = lastRow(start, beginning);
  let least = start.length;
  for (let length = 1; length <= beginning.length; length++) least = Math.min(least, distances[length]!);
  return least;
}

/** Rows of the table of distances, reused by each call. No word is longer than a query. */
const rows = [new Uint16Array(256), new Uint16Array(256), new Uint16Array(256)] as const;

/** The distances from `one` to each beginning of `other`; valid until the next call. */
function lastRow(one: string, other: string): Uint16Array {
  let [beforeLast, last, current] = rows;
  for (let column = 0; column <= other.length; column++) last[column] = column;
  for (let row = 1; row <= one.length; row++) {
    const letter = one.charCodeAt(row - 1);
    current[0] = row;
    for (let column = 1; column <= other.length; column++) {
      const otherLetter = other.charCodeAt(column - 1);
      let cost = last[column - 1]! + (letter === otherLetter ? 0 : 1);
      if (last[column]! + 1 < cost) cost = last[column]! + 1;
      if (current[column - 1]! + 1 < cost) cost = current[column - 1]! + 1;
      const isSwapped =
        row > 1 && column > 1 && letter === other.charCodeAt(column - 2) && otherLetter === one.charCodeAt(row - 2);
      if (isSwapped && beforeLast[column - 2]! + 1 < cost) cost = beforeLast[column - 2]! + 1;
      current[column] = cost;
    }
    [beforeLast, last, current] = [last, current, beforeLast];
  }
  return last;
}
