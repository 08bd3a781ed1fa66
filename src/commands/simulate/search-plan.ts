import { createReadersInShop, type MadeUpReader } from './made-up-reader.ts';
import type { QuerySource } from './query-source.ts';
import { createRandom, drawGap, drawIndex, drawSeed, drawOne, type Random } from './random.ts';

/** One search that is to be made. */
export type PlannedSearch = {
  /** When, in milliseconds from the start; never falls. */
  readonly atMs: number;
  readonly reader: MadeUpReader;
  /** As typed. */
  readonly query: string;
  /** Decides what the reader does with the answer. */
  readonly seed: number;
};

export type SearchPlanOptions = {
  readonly seed: number;
  readonly queries: QuerySource;
  /** How many are in the shop at the same time. */
  readonly readers: number;
  /** Searches per second, on average. */
  readonly rate: number;
  /** What everybody asks for in the first minute. */
  readonly burst?: string;
};

const typos = 0.08;
const unfinished = 0.06;
const burstMs = 60_000;
const meanCalmMs = 240_000;
/** How much of all searches a hot query makes while it is hot. */
const hotShare = 0.35;

/**
 * Yields who searches for what and when, without end. It depends only on the options, not on the shop's answers. Now
 * and then one query is popular for a minute.
 */
export function* planSearches(options: SearchPlanOptions): Generator<PlannedSearch, never, undefined> {
  const { queries, readers, rate } = options;
  const random = createRandom(options.seed);
  const inShop = createReadersInShop(readers, queries);
  const hotQuery = planBursts(queries, createRandom(drawSeed(random)), options.burst);
  for (let atMs = drawGap(random, 1_000 / rate); ; atMs += drawGap(random, 1_000 / rate)) {
    const hot = hotQuery(atMs);
    const reader = inShop.drawReader(random);
    const query = hot !== null && random() < hotShare ? hot : asTyped(queries.drawQuery(random, reader.taste), random);
    yield { atMs, reader, query, seed: drawSeed(random) };
  }
}

function planBursts(queries: QuerySource, random: Random, first: string | undefined): (atMs: number) => string | null {
  const next = (fromMs: number) => {
    const beginMs = fromMs + drawGap(random, meanCalmMs);
    return { query: queries.drawSurprise(random), beginMs, endMs: beginMs + burstMs };
  };
  let burst = first === undefined ? next(0) : { query: first, beginMs: 0, endMs: burstMs };
  return (atMs) => {
    while (atMs >= burst.endMs) burst = next(burst.endMs);
    return atMs >= burst.beginMs ? burst.query : null;
  };
}

/** Adds typos, and cuts off what a reader would not finish typing. */
function asTyped(query: string, random: Random): string {
  const fate = random();
  if (fate < typos) return mistype(query, random);
  if (fate < typos + unfinished) return beginningOf(query, random);
  return query;
}

/** At least three characters, never ending in a space. */
function beginningOf(query: string, random: Random): string {
  const characters = Array.from(query);
  const length = 3 + drawIndex(random, Math.max(1, Math.min(8, characters.length - 3)));
  return characters.slice(0, length).join('').trim();
}

const keyboardRows = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

/** Shorter words are rarely mistyped, and could not be recognised. */
const shortestLetters = 4;

/**
 * The text with one typo in one of its words: a letter left out, typed twice, swapped with the next, or replaced by its
 * neighbour on the keyboard. A text without a word of four letters is returned unchanged.
 */
export function mistype(text: string, random: Random): string {
  const words = [...text.matchAll(/[\p{L}\p{M}]+/gu)].filter(([word]) => Array.from(word).length >= shortestLetters);
  if (words.length === 0) return text;
  const { 0: word, index } = drawOne(random, words);
  return text.slice(0, index) + slip(Array.from(word), random) + text.slice(index + word.length);
}

/** The first letter stays: people rarely mistype it. */
function slip(letters: readonly string[], random: Random): string {
  const at = 1 + drawIndex(random, letters.length - 1);
  const [letter = '', next] = letters.slice(at);
  const slips = ['', letter + letter, beside(letter, random)];
  const swaps = next !== undefined && next !== letter;
  const kind = drawIndex(random, swaps ? 4 : 3);
  const typed = slips[kind] ?? `${next}${letter}`;
  return [...letters.slice(0, at), typed, ...letters.slice(kind === 3 ? at + 2 : at + 1)].join('');
}

/** A neighbour in the same row of the keyboard; `''` for letters that are not on it. */
function beside(letter: string, random: Random): string {
  const row = keyboardRows.find((keys) => keys.includes(letter.toLowerCase()));
  if (row === undefined) return '';
  const at = row.indexOf(letter.toLowerCase());
  return drawOne(random, Array.from(row.slice(Math.max(0, at - 1), at) + row.slice(at + 1, at + 2)));
}
