import { createLruMap, type LruMap } from '../../../../runtime/lru-map.ts';
import { searchWords } from '../index/book-row.ts';
import type { WrittenBooks } from '../index/index-file.ts';
import type { Alternative } from '../index/slots.ts';
import { createEditDistance } from './edit-distance.ts';
import {
  createWordTable,
  forEachDeletion,
  itemBitsFor,
  itemLetters,
  longestWord,
  type WordData,
} from '../index/word-data.ts';

type Correct = (word: string, edits: number) => readonly Alternative[];

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
  const { buckets, items, letters, starts } = data;
  const { wordAt, lengthOf, has, range, sameStart, books } = createWordTable(data);
  const bucketCount = buckets.length - 1;
  const itemBits = itemBitsFor(starts.length - 1);
  const itemMask = 2 ** itemBits - 1;
  const distance = createEditDistance();
  /** The items near the text that was looked up last. */
  const near = { text: '', edits: 0, items: new Uint32Array(1_024), count: 0 };
  const findItems = (text: string, edits: number): void => {
    near.text = text;
    near.edits = edits;
    near.count = 0;
    forEachDeletion(text, edits, (hash) => {
      const bucket = hash & (bucketCount - 1);
      const tag = hash >>> itemBits;
      const end = buckets[bucket + 1]!;
      for (let at = buckets[bucket]!; at < end; at++) {
        if (items[at]! >>> itemBits !== tag) continue;
        if (near.count === near.items.length) near.items = withRoom(near.items);
        near.items[near.count++] = items[at]! & itemMask;
      }
    });
    near.items.subarray(0, near.count).sort();
  };
  /** The items that have letters in common with the text when so many are left out of each. Rising, each once. */
  const forEachItem = (text: string, edits: number, use: (first: number, length: number) => void): void => {
    if (text !== near.text || edits !== near.edits) findItems(text, edits);
    for (let at = 0; at < near.count; at++) {
      const item = near.items[at]!;
      if (at === 0 || item !== near.items[at - 1]) use(item >>> 3, item & 7);
    }
  };
  /** In how many of the books that came later a word is. */
  const added = new Map<string, number>();
  const addedWithin = (word: string, edits: number): readonly Candidate[] => {
    const within: Candidate[] = [];
    for (const [one, books] of added) {
      if (Math.abs(one.length - word.length) > edits) continue;
      const errors = distance.toWord(writeLetters(one), 0, one.length, edits);
      if (errors > 0 && errors <= edits) within.push({ word: one, prefix: false, edits: errors, books });
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
  const remembered: LruMap<string, readonly Alternative[]>[] = [];
  const remembering = (correct: Correct): Correct => {
    const known = createLruMap<string, readonly Alternative[]>(rememberedWords);
    remembered.push(known);
    return (word, edits) => {
      if (word.length > longestWord) return [];
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
      has(word, prefix) ||
      (added.size > 0 && (added.has(word) || (prefix && [...added.keys()].some((one) => one.startsWith(word))))),
    corrections: remembering((word, edits) => {
      const found: Candidate[] = [];
      distance.setWord(word);
      const check = (at: number): void => {
        if (Math.abs(lengthOf(at) - word.length) > edits) return;
        const errors = distance.toWord(letters, starts[at]!, starts[at + 1]!, edits);
        if (errors === 0 || errors > edits) return;
        found.push({ word: wordAt(at), prefix: false, edits: errors, books: books(at, at + 1) });
      };
      forEachItem(word.slice(0, itemLetters.most), Math.min(edits, 2), (first, length) => {
        if (length < itemLetters.most) {
          if (lengthOf(first) === length) check(first);
          return;
        }
        const end = sameStart(first, length);
        for (let at = first; at < end; at++) check(at);
      });
      return likeliest(word, [...found, ...addedWithin(word, edits)], mostCorrections);
    }),
    unfinished: remembering((start, edits) => {
      const found: Candidate[] = [];
      distance.setWord(start);
      forEachItem(start.slice(0, itemLetters.most), edits, (first, length) => {
        if (start.length < itemLetters.most) {
          const errors = distance.toWord(letters, starts[first]!, starts[first]! + length, edits);
          if (errors === 0 || errors > edits) return;
          const known = books(first, sameStart(first, length));
          found.push({ word: wordAt(first).slice(0, length), prefix: true, edits: errors, books: known });
        } else if (length === itemLetters.most) {
          const end = sameStart(first, length);
          for (let at = first; at < end; at++) {
            const until = starts[at]! + Math.min(lengthOf(at), start.length + 2);
            const errors = distance.toBeginning(letters, starts[at]!, until);
            if (errors === 0 || errors > edits) continue;
            found.push({ word: wordAt(at), prefix: false, edits: errors, books: books(at, at + 1) });
          }
        }
      });
      return likeliest(start, found, mostUnfinished);
    }),
    add: (books) => {
      if (books === 'many') return;
      for (const one of remembered) one.clear();
      for (const { row } of books) if (row !== null) searchWords(row).forEach(addWord);
    },
  };
}

/** A word that was perhaps meant; with `prefix` only the beginning of words. */
type Candidate = { readonly word: string; readonly prefix: boolean; readonly edits: number; readonly books: number };

/** Fewer edits first, then words of many books. A wrong first letter counts as unlikely. */
function likeliest(typed: string, candidates: readonly Candidate[], most: number): readonly Alternative[] {
  const worth = ({ word, edits, books }: Candidate): number =>
    Math.log2(1 + books) - 8 * edits - (word.charCodeAt(0) === typed.charCodeAt(0) ? 0 : 3);
  return candidates
    .map((candidate) => ({ candidate, worth: worth(candidate) }))
    .sort((one, other) => other.worth - one.worth || (one.candidate.word < other.candidate.word ? -1 : 1))
    .slice(0, most)
    .map(({ candidate: { word, prefix, edits } }) => ({ words: [{ word, prefix }], edits }));
}

/** The letters of a word that came later. */
const addedLetters = new Uint16Array(256);

function writeLetters(word: string): Uint16Array {
  for (let at = 0; at < word.length && at < addedLetters.length; at++) addedLetters[at] = word.charCodeAt(at);
  return addedLetters;
}

function withRoom(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(2 * numbers.length);
  more.set(numbers);
  return more;
}
