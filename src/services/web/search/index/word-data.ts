import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { facetKinds, wordsAndStart, type BookRow } from './book-row.ts';

/**
 * An inverted index of the words of all books at one moment, in memory that threads share: about 40 bytes a book and
 * 200 bytes a word.
 *
 * Words are sorted. For each word, `starts` has its beginning in `letters`, `listStarts` the beginning of its books in
 * `lists`, and `books` the sum of the books of all words before it. `blocks` has the first word of each `blockOf`.
 * Books are numbered from the most popular on; `places` has the place of each number. The books of a word are a rising
 * list of numbers, or for a common word one bit per book.
 *
 * An *item* is a beginning of words, 3 to 7 letters long: `8 · first word that has it + length`. As in SymSpell (Garbe,
 * 2012), an item is found by what remains of it when one or two letters are left out. The hash of the rest chooses a
 * bucket of `items`; its first bits stand before the item, as many as there is room for.
 *
 * The values of facets are numbered by kind, in the order of `facetKinds`, and in each kind by their texts.
 * `kindStarts` has the first number of each kind, `sameValues` the first value that has the same key. A text begins at
 * `valueStarts` in `valueLetters`. For each book, `facets` has the numbers of its values, from `facetStarts` on.
 */
export type WordData = {
  readonly letters: Uint16Array;
  readonly starts: Uint32Array;
  readonly blocks: Uint32Array;
  readonly books: Uint32Array;
  readonly listStarts: Uint32Array;
  readonly lists: Uint32Array;
  readonly places: Float64Array;
  readonly buckets: Uint32Array;
  readonly items: Uint32Array;
  readonly facetStarts: Uint32Array;
  readonly facets: Uint32Array;
  readonly kindStarts: Uint32Array;
  readonly sameValues: Uint32Array;
  readonly valueLetters: Uint16Array;
  readonly valueStarts: Uint32Array;
};

/** Longer words are not worth correcting. */
export const longestWord = 32;
export const itemLetters = { least: 3, most: 7 } as const;
const correctable = /^\p{L}[\p{L}\p{M}]*$/u;
const itemsPerBucket = 8;
/** How long a list of numbers may become, which only reserves addresses, and by how much it grows at once. */
const mostNumbers = 2 ** 30;
const numbersAtOnce = 2 ** 18;

/** Reads the whole index file, which takes about ten seconds for a million books. */
export function buildWordData(database: SqliteDatabase): WordData {
  const { numbers, counts, met, places, facets } = readBooks(database);
  const bookCount = places.size();
  const words = [...numbers.keys()].sort();
  const { letters, starts } = lettersOf(words);
  const blocks = shared(Uint32Array, blockCount + 1);
  const books = shared(Uint32Array, words.length + 1);
  const listStarts = shared(Uint32Array, words.length + 1);
  const rankOf = new Uint32Array(words.length);
  for (const [at, word] of words.entries()) {
    const number = numbers.get(word)!;
    rankOf[number] = at;
    blocks[blockOf(word) + 1]!++;
    const count = counts.at(number);
    books[at + 1] = books[at]! + count;
    listStarts[at + 1] = listStarts[at]! + (isCommon(count, bookCount) ? bitsFor(bookCount) : count);
  }
  numbers.clear();
  for (let block = 0; block < blockCount; block++) blocks[block + 1]! += blocks[block]!;
  const lists = shared(Uint32Array, listStarts[words.length]!);
  const next = listStarts.slice(0, words.length);
  for (let book = 0, at = 0; book < bookCount; book++) {
    for (let left = met.at(at++); left > 0; left--) {
      const word = rankOf[met.at(at++)]!;
      if (isCommon(books[word + 1]! - books[word]!, bookCount)) {
        lists[listStarts[word]! + (book >>> 5)]! |= 1 << (book & 31);
      } else lists[next[word]!++] = book;
    }
  }
  met.free();
  const arrays = { letters, starts, blocks, books, listStarts, lists, places: places.take() };
  return { ...arrays, ...facets.number(), ...buildVariants(words) };
}

/** The letters of all texts, and where each text begins, with the end of the last one. */
function lettersOf(texts: readonly string[]): Pick<WordData, 'letters' | 'starts'> {
  const starts = shared(Uint32Array, texts.length + 1);
  for (const [at, text] of texts.entries()) starts[at + 1] = starts[at]! + text.length;
  const letters = shared(Uint16Array, starts[texts.length]!);
  for (const [at, text] of texts.entries()) {
    for (let letter = 0; letter < text.length; letter++) letters[starts[at]! + letter] = text.charCodeAt(letter);
  }
  return { letters, starts };
}

/** The text at a number in what `lettersOf` returns. */
export function textAt(letters: Uint16Array, starts: Uint32Array, at: number): string {
  let text = '';
  for (let letter = starts[at]!; letter < starts[at + 1]!; letter++) text += String.fromCharCode(letters[letter]!);
  return text;
}

const lettersOfBlock = 3;
/** The letters a to z, what sorts before them, and what sorts after them. */
const kindsOfLetter = 28;
const blockCount = kindsOfLetter ** lettersOfBlock;

/**
 * The block of a text: texts with the same first three letters are in one block. Blocks are numbered in the order of
 * their words.
 */
function blockOf(text: string): number {
  let block = 0;
  let kind = 1;
  for (let at = 0; at < lettersOfBlock; at++) {
    // Behind another character than a to z everything is in one block.
    if (kind > 0 && kind < kindsOfLetter - 1) {
      kind = at < text.length ? Math.min(kindsOfLetter - 1, Math.max(0, text.charCodeAt(at) - beforeLetters)) : 0;
    }
    block = block * kindsOfLetter + kind;
  }
  return block;
}

const beforeLetters = 96;

/** Whether one bit per book takes less memory than the list of the books that have the word. */
export function isCommon(booksWithWord: number, books: number): boolean {
  return booksWithWord > bitsFor(books);
}

/** How many 32-bit numbers hold one bit per book. */
export function bitsFor(books: number): number {
  return (books + 31) >>> 5;
}

/**
 * Reads the words of all books, and numbers them in the order in which they are met. For each book, `met` has the
 * number of its words, then their numbers.
 */
function readBooks(database: SqliteDatabase) {
  const numbers = new Map<string, number>();
  const counts = createNumbers(Uint32Array);
  const met = createNumbers(Uint32Array);
  const places = createNumbers(Float64Array);
  const facets = createFacetNumbers();
  const read = database.prepare(
    `SELECT place, title_words AS titleWords, author, series, subjects, other_titles AS otherTitles, language
     FROM book ORDER BY place`,
  );
  const take = (word: string): void => {
    let number = numbers.get(word);
    if (number === undefined) {
      numbers.set(word, (number = numbers.size));
      counts.push(0);
    }
    counts.raise(number);
    met.push(number);
  };
  for (const found of read.iterate()) {
    const row = found as unknown as BookRow;
    const words = wordsAndStart(row);
    places.push(Number(found['place']));
    met.push(words.length);
    for (const word of words) take(word);
    facets.add(row);
  }
  return { numbers, counts, met, places, facets };
}

/** Numbers the values of facets, first in the order in which they are met. */
function createFacetNumbers() {
  const kinds = Object.values(facetKinds);
  const met = kinds.map(() => new Map<string, number>());
  let count = 0;
  const values = createNumbers(Uint32Array);
  const starts = createNumbers(Uint32Array);
  starts.push(0);
  return {
    add: (row: BookRow): void => {
      for (const [at, { valuesOf }] of kinds.entries()) {
        for (const value of valuesOf(row)) {
          const known = met[at]!.get(value);
          if (known === undefined) met[at]!.set(value, count);
          values.push(known ?? count++);
        }
      }
      starts.push(values.size());
    },
    number: (): Pick<WordData, FacetArrays> => {
      const rankOf = new Uint32Array(count);
      const sameValues = shared(Uint32Array, count);
      const kindStarts = shared(Uint32Array, kinds.length + 1);
      const all: string[] = [];
      for (const [at, numbers] of met.entries()) {
        const firstOfKey = new Map<string, number>();
        for (const value of [...numbers.keys()].sort()) {
          const rank = all.push(value) - 1;
          rankOf[numbers.get(value)!] = rank;
          const key = kinds[at]!.keyOf(value);
          sameValues[rank] = firstOfKey.get(key) ?? rank;
          if (sameValues[rank] === rank) firstOfKey.set(key, rank);
        }
        kindStarts[at + 1] = all.length;
      }
      const facets = values.take();
      for (let at = 0; at < facets.length; at++) facets[at] = rankOf[facets[at]!]!;
      const { letters: valueLetters, starts: valueStarts } = lettersOf(all);
      return {
        facets,
        facetStarts: starts.take(),
        kindStarts,
        sameValues,
        valueLetters,
        valueStarts,
      };
    },
  };
}

type FacetArrays = 'facets' | 'facetStarts' | 'kindStarts' | 'sameValues' | 'valueLetters' | 'valueStarts';

/**
 * A long list of numbers that grows without being copied. Its memory is mapped apart from the allocator's, so that all
 * of it is free again when the thread ends. Smaller pieces stayed with the process: 50 MB for a million books.
 */
function createNumbers<Kind extends Numbers>(kind: NumbersKind<Kind>) {
  const buffer = new ArrayBuffer(0, { maxByteLength: mostNumbers * kind.BYTES_PER_ELEMENT });
  const numbers = new kind(buffer);
  const free = (): void => buffer.resize(0);
  let size = 0;
  return {
    push: (number: number): void => {
      if (size === numbers.length) buffer.resize(buffer.byteLength + numbersAtOnce * kind.BYTES_PER_ELEMENT);
      numbers[size++] = number;
    },
    raise: (at: number): void => {
      numbers[at]!++;
    },
    at: (at: number): number => numbers[at]!,
    size: () => size,
    /** Gives the memory back at once: the list is empty and is no longer used. */
    free,
    /** A copy in shared memory. The list itself is freed. */
    take: (): Kind => {
      const taken = shared(kind, numbers.subarray(0, size));
      free();
      return taken;
    },
  };
}

function buildVariants(words: readonly string[]): Pick<WordData, 'buckets' | 'items'> {
  const count = forEachVariant(words, () => {});
  // A power of two, so that the last bits of a hash choose the bucket.
  const bucketCount = 2 ** Math.max(4, Math.ceil(Math.log2(count / itemsPerBucket + 1)));
  const buckets = shared(Uint32Array, bucketCount + 1);
  forEachVariant(words, (hash) => buckets[(hash & (bucketCount - 1)) + 1]!++);
  for (let bucket = 0; bucket < bucketCount; bucket++) buckets[bucket + 1]! += buckets[bucket]!;
  const next = buckets.slice(0, bucketCount);
  const itemBits = itemBitsFor(words.length);
  const items = shared(Uint32Array, count);
  forEachVariant(words, (hash, item) => {
    items[next[hash & (bucketCount - 1)]!++] = ((hash >>> itemBits) << itemBits) | item;
  });
  return { buckets, items };
}

/** How many of the 32 bits an item takes. The others are those of the hash. */
export function itemBitsFor(words: number): number {
  return 32 - Math.clz32(8 * words);
}

/** The hashes of a text and of what remains of it when up to `deletions` letters are left out. May repeat. */
export function forEachDeletion(text: string, deletions: number, take: (hash: number) => void): void {
  take(hashOf(text, -1, -1));
  if (deletions < 1) return;
  for (let first = 0; first < text.length; first++) {
    take(hashOf(text, first, -1));
    if (deletions < 2) continue;
    for (let second = first + 1; second < text.length; second++) take(hashOf(text, first, second));
  }
}

/** Words of at least this many letters are found with two letters left out, shorter ones with one. */
const twoDeletionsFrom = 6;

/** @returns how many variants there are. */
function forEachVariant(words: readonly string[], take: (hash: number, item: number) => void): number {
  let count = 0;
  let before = '';
  for (const [at, word] of words.entries()) {
    if (word.length > longestWord || !correctable.test(word)) continue;
    let length = Math.max(itemLetters.least, commonLength(before, word) + 1);
    const complete = word.length <= itemLetters.most ? word.length : 0;
    if (complete > 0) length = Math.min(length, complete);
    for (; length <= Math.min(word.length, itemLetters.most); length++) {
      const isWord = length === complete || length === itemLetters.most;
      const deletions = isWord && length >= twoDeletionsFrom ? 2 : 1;
      forEachDeletion(word.slice(0, length), deletions, (hash) => {
        count++;
        take(hash, at * 8 + length);
      });
    }
    before = word;
  }
  return count;
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one.charCodeAt(length) === other.charCodeAt(length)) length++;
  return length;
}

/**
 * FNV-1a over all letters except two, mixed so that every bit counts. Signed, because V8 keeps such numbers in a
 * register.
 */
function hashOf(text: string, without: number, andWithout: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    if (at !== without && at !== andWithout) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

type Numbers = Uint16Array | Uint32Array | Float64Array;
type NumbersKind<Kind extends Numbers> = {
  new (buffer: ArrayBufferLike): Kind;
  readonly BYTES_PER_ELEMENT: number;
};

/** An array in shared memory: a copy of the numbers, or as many zeros as the number says. */
function shared<Kind extends Numbers>(kind: NumbersKind<Kind>, content: number | ArrayLike<number>): Kind {
  const length = typeof content === 'number' ? content : content.length;
  const array = new kind(new SharedArrayBuffer(length * kind.BYTES_PER_ELEMENT));
  if (typeof content !== 'number') array.set(content);
  return array;
}

export type WordTable = ReturnType<typeof createWordTable>;

/** Finds words in the sorted list. */
export function createWordTable({ letters, starts, blocks, books }: WordData) {
  const count = starts.length - 1;
  const compare = (at: number, text: string): number => {
    const from = starts[at]!;
    const length = starts[at + 1]! - from;
    for (let letter = 0; letter < length && letter < text.length; letter++) {
      const difference = letters[from + letter]! - text.charCodeAt(letter);
      if (difference !== 0) return difference;
    }
    return length - text.length;
  };
  const beginsWith = (at: number, text: string): boolean => {
    const from = starts[at]!;
    if (starts[at + 1]! - from < text.length) return false;
    let letter = 0;
    while (letter < text.length && letters[from + letter] === text.charCodeAt(letter)) letter++;
    return letter === text.length;
  };
  const lengthOf = (at: number): number => starts[at + 1]! - starts[at]!;
  /** The first word that does not sort before the text. */
  const firstFrom = (text: string): number => {
    const block = blockOf(text);
    let low = blocks[block]!;
    let high = blocks[block + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(middle, text) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const beginsLike = (at: number, first: number, length: number): boolean => {
    const from = starts[at]!;
    if (starts[at + 1]! - from < length) return false;
    const start = starts[first]!;
    let letter = 0;
    while (letter < length && letters[from + letter] === letters[start + letter]) letter++;
    return letter === length;
  };
  /** The end (exclusive) of the words from this one on that begin with the same letters. */
  const sameStart = (first: number, length: number): number => {
    let low = first + 1;
    let step = 1;
    for (; low + step <= count && beginsLike(low + step - 1, first, length); step *= 2) low += step;
    let high = Math.min(low + step - 1, count);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (beginsLike(middle, first, length)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    wordAt: (at: number): string => textAt(letters, starts, at),
    lengthOf,
    /** Whether there is the word, or any word that begins with it. */
    has: (word: string, prefix: boolean): boolean => {
      const from = firstFrom(word);
      return from < count && (prefix ? beginsWith(from, word) : compare(from, word) === 0);
    },
    /** The index of the word, or of all words that begin with it: from (inclusive), to (exclusive). */
    range: (word: string, prefix: boolean): { readonly from: number; readonly to: number } => {
      const from = firstFrom(word);
      if (from === count || !beginsWith(from, word)) return { from, to: from };
      if (prefix) return { from, to: sameStart(from, word.length) };
      return { from, to: lengthOf(from) === word.length ? from + 1 : from };
    },
    sameStart,
    /** How many books have these words. A book that has several of them is counted several times. */
    books: (from: number, to: number): number => books[to]! - books[from]!,
  };
}
