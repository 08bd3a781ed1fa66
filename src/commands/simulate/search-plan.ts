import { createReadersInShop, type MadeUpReader } from './made-up-reader.ts';
import type { QuerySource } from './query-source.ts';
import { createRandom, drawGap, drawIndex, drawSeed, type Random } from './seeded-random.ts';
import { mistype } from './typos.ts';

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
 * Who asks what and when, without end: the same for the same options, whatever the shop answers. Now and then one query
 * is hot for a minute.
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

/** With the slips and the impatience of people who type. */
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
