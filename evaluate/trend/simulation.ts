import { createRandom, createZipf, drawIndex, type Random } from '../../src/commands/simulate/random.ts';

/** A reader searched for a query; `second` is since 1970. */
export type Search = { readonly reader: string; readonly query: string; readonly second: number };
/** A query that readers turned to from one second to another. */
export type Burst = { readonly query: string; readonly fromSecond: number; readonly toSecond: number };

export type SimulationOptions = {
  readonly searchesPerDay: number;
  readonly seed: number;
  readonly days: number;
  readonly withBursts: boolean;
};

const queries = 5_000;
export const hourSeconds = 3_600;
export const startSecond = Date.parse('2026-01-05T00:00:00Z') / 1_000;
/** Until then there is no week to compare with. */
export const firstBurstHour = 8 * 24;
const burstsPerDay = 3;
const burstHours = { shortest: 6, longest: 48 };
/**
 * Bursts begin at queries of these ranks: not at the most popular ones, whose readers hide them, nor at those that few
 * people search for.
 */
const burstRanks = { first: 100, end: 500 };
/** A burst adds this many times the usual readers of its query, and at least `fewestBurstReaders` a day. */
const burstTimes = { least: 9, most: 13.5 };
const fewestBurstReaders = 40;

/**
 * When bursts begin and end, by the seed alone.
 *
 * How strong bursts are, and at which queries they begin, was chosen once: of 96 choices the one whose recall
 * comes nearest to that of an earlier simulation, whose code is lost. There, at 2,000, 20,000 and 200,000 searches
 * a day, plain counts found .05, 0 and 0 of the bursts, Open Library's score .41, .73 and .80, and the deviance of a Poisson
 * count .89, .91 and .99. The score of today was not part of that
 * comparison, but its results with other bursts were known by then.
 */
export function planBursts({
  seed,
  days,
  withBursts,
}: SimulationOptions): readonly (Burst & { readonly rank: number; readonly times: number })[] {
  if (!withBursts) return [];
  const random = createRandom(seed * 7_919 + 1);
  const ranks = new Set<number>();
  const hours = days * 24;
  return Array.from({ length: Math.round((days - firstBurstHour / 24) * burstsPerDay) }, () => {
    const length = burstHours.shortest + drawIndex(random, burstHours.longest - burstHours.shortest + 1);
    const from = firstBurstHour + drawIndex(random, hours - length - firstBurstHour + 1);
    const times = burstTimes.least * (burstTimes.most / burstTimes.least) ** random();
    let rank = drawRank(random);
    while (ranks.has(rank)) rank = drawRank(random);
    ranks.add(rank);
    const fromSecond = startSecond + from * hourSeconds;
    const toSecond = fromSecond + length * hourSeconds;
    return { query: nameOf(rank), rank, times, fromSecond, toSecond };
  });
}

function drawRank(random: Random): number {
  return burstRanks.first + drawIndex(random, burstRanks.end - burstRanks.first);
}

/** Searches in the order of time, an hour at a time. */
export function* simulate(options: SimulationOptions): Generator<readonly Search[]> {
  const { searchesPerDay, seed, days } = options;
  const random = createRandom(seed);
  const drawQuery = createZipf(queries);
  const readers = Math.max(200, Math.round(searchesPerDay / 2));
  const bursts = planBursts(options);
  for (let hour = 0; hour < days * 24; hour++) {
    const second = startSecond + hour * hourSeconds;
    const expected = (searchesPerDay / 24) * season(hour);
    const searches: Search[] = [];
    const add = (query: string): void => {
      const reader = `r${drawIndex(random, readers)}`;
      searches.push({ reader, query, second: second + drawIndex(random, hourSeconds) });
    };
    for (let count = poisson(expected, random); count > 0; count--) add(nameOf(drawQuery(random)));
    for (const { query, rank: ofBurst, times, fromSecond, toSecond } of bursts) {
      if (second < fromSecond || second >= toSecond) continue;
      const usual = searchesPerDay * shareOf(ofBurst);
      const aDay = Math.max(fewestBurstReaders, usual * times);
      for (let count = poisson((aDay / 24) * season(hour), random); count > 0; count--) add(query);
    }
    yield searches.sort((one, other) => one.second - other.second);
  }
}

/** By day and by week, 1 on average. */
function season(hour: number): number {
  const ofDay = 1 + 0.6 * Math.sin(((hour % 24) - 9) * (Math.PI / 12));
  const weekday = Math.floor(hour / 24) % 7;
  return ofDay * (weekday >= 5 ? 1.5 : 0.8);
}

const harmonicSum = Array.from({ length: queries }, (_, rank) => 1 / (rank + 1)).reduce((sum, part) => sum + part, 0);

/** Of all searches, those for the query of this rank, by Zipf's law. */
function shareOf(rank: number): number {
  return 1 / ((rank + 1) * harmonicSum);
}

/** Knuth's method for small means, the normal approximation for large ones. */
function poisson(mean: number, random: Random): number {
  if (mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count++;
  return count;
}

function nameOf(rank: number): string {
  return `query ${rank}`;
}
