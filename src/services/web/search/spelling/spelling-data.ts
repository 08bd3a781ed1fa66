/** Every word of the index, with how many books have it and how popular the most popular of them is. */
export type Vocabulary = {
  /** The distinct words of one book, and log₂(1 + its popularity). */
  readonly add: (words: readonly string[], popularityPoints: number) => void;
  readonly size: () => number;
  /** All words so far, in no order. After this call, `newEntries` starts from nothing. */
  readonly entries: () => Iterable<VocabularyEntry>;
  /** Words first met since `entries` was last called. Words that were returned before are left out, unless `again`. */
  readonly newEntries: (again?: boolean) => readonly VocabularyEntry[];
};

export type VocabularyEntry = { readonly word: string; readonly books: number; readonly popularityPoints: number };

/** Longer words are not worth correcting. */
export const longestWord = 32;
/**
 * A word's number combines how often it was met with, in the last seven bits, the popularity in quarters of a doubling.
 */
const steps = 128;
const stepsPerPoint = 4;
/** The most words that `newEntries` returns. */
export const mostNewWords = 500;

export function createVocabulary(): Vocabulary {
  const numbers = new Map<string, number>();
  let newWords: string[] = [];
  let given = 0;
  const entry = (word: string): VocabularyEntry => {
    const number = numbers.get(word)!;
    return { word, books: Math.floor(number / steps), popularityPoints: (number % steps) / stepsPerPoint };
  };
  return {
    add: (words, popularityPoints) => {
      const popularity = Math.min(steps - 1, Math.round(popularityPoints * stepsPerPoint));
      for (const word of words) {
        if (word.length > longestWord) continue;
        const known = numbers.get(word);
        if (known === undefined && newWords.length < mostNewWords) newWords.push(word);
        const number = known ?? 0;
        const best = Math.max(popularity, number % steps);
        numbers.set(word, number - (number % steps) + steps + best);
      }
    },
    size: () => numbers.size,
    entries: () => {
      newWords = [];
      given = 0;
      return numbers.keys().map(entry);
    },
    newEntries: (again = false) => {
      const entries = newWords.slice(again ? 0 : given).map(entry);
      given = newWords.length;
      return entries;
    },
  };
}

/**
 * The vocabulary prepared for corrections, in memory that threads share. Words are sorted; `starts` says where each
 * begins in `letters`. An *item* is a beginning of words, 3 to 7 letters long: `8 · first word that has it + length`.
 * As in SymSpell (Garbe, 2012), an item is found by what remains of it when one or two letters are left out. The hash
 * of the rest chooses a bucket of `items`; `tags` holds further bits of the hash.
 */
export type SpellingData = {
  readonly letters: Uint16Array;
  readonly starts: Uint32Array;
  readonly books: Uint32Array;
  readonly popularityPoints: Uint8Array;
  readonly buckets: Uint32Array;
  readonly tags: Uint16Array;
  readonly items: Uint32Array;
};

export const itemLetters = { least: 3, most: 7 } as const;
const correctable = /^\p{L}[\p{L}\p{M}]*$/u;
const stepsPerPause = 2_000;
const itemsPerBucket = 8;

/**
 * Builds the data in small steps, so that the caller can do other work between them.
 * @returns the data, about 200 bytes a word.
 */
export function* buildSpelling(vocabulary: Vocabulary): Generator<void, SpellingData> {
  const entries = [...vocabulary.entries()].sort((one, other) => (one.word < other.word ? -1 : 1));
  yield;
  const starts = shared(Uint32Array, entries.length + 1);
  const books = shared(Uint32Array, entries.length);
  const popularityPoints = shared(Uint8Array, entries.length);
  for (const [at, entry] of entries.entries()) {
    starts[at + 1] = starts[at]! + entry.word.length;
    books[at] = entry.books;
    popularityPoints[at] = Math.round(entry.popularityPoints * 4);
  }
  const letters = shared(Uint16Array, starts[entries.length]!);
  for (const [at, { word }] of entries.entries()) {
    for (let letter = 0; letter < word.length; letter++) letters[starts[at]! + letter] = word.charCodeAt(letter);
  }
  yield;
  const words = entries.map(({ word }) => word);
  const count = yield* forEachVariant(words, () => {});
  const bucketCount = 2 ** Math.max(4, Math.ceil(Math.log2(count / itemsPerBucket + 1)));
  const buckets = shared(Uint32Array, bucketCount + 1);
  yield* forEachVariant(words, (hash) => buckets[(hash % bucketCount) + 1]!++);
  for (let bucket = 0; bucket < bucketCount; bucket++) buckets[bucket + 1]! += buckets[bucket]!;
  const next = buckets.slice(0, bucketCount);
  const tags = shared(Uint16Array, count);
  const items = shared(Uint32Array, count);
  yield* forEachVariant(words, (hash, item) => {
    const at = next[hash % bucketCount]!++;
    tags[at] = hash >>> 16;
    items[at] = item;
  });
  return { letters, starts, books, popularityPoints, buckets, tags, items };
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

function* forEachVariant(
  words: readonly string[],
  take: (hash: number, item: number) => void,
): Generator<void, number> {
  let count = 0;
  let before = '';
  for (const [at, word] of words.entries()) {
    if (at % stepsPerPause === 0) yield;
    if (!correctable.test(word)) continue;
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

/** FNV-1a over all letters except two, mixed so that every bit counts. */
function hashOf(text: string, without: number, andWithout: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    if (at !== without && at !== andWithout) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

type Numbers = Uint8Array | Uint16Array | Uint32Array;

function shared<Kind extends Numbers>(
  kind: { new (buffer: SharedArrayBuffer): Kind; readonly BYTES_PER_ELEMENT: number },
  length: number,
): Kind {
  return new kind(new SharedArrayBuffer(length * kind.BYTES_PER_ELEMENT));
}
