import { createRandom, drawIndex, type Random } from '../../src/commands/simulate/random.ts';
import { zipf } from '../../bench/made-up-books.ts';

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
const zipfExponent = 0.9;
const hourSeconds = 3_600;
const startSecond = Date.parse('2026-01-05T00:00:00Z') / 1_000;
/** Until then there is no week to compare with. */
const firstBurstHour = 8 * 24;
const burstsPerDay = 3;
const burstHours = { shortest: 6, longest: 48 };
/** Of all searches of an hour, on average over the burst. */
const burstShare = { least: 0.02, most: 0.08 };
/** Queries below this rank are searched for so often that nobody would call more searches a burst. */
const firstBurstRank = 100;

/** When bursts begin and end, by the seed alone. */
export function planBursts({
  seed,
  days,
  withBursts,
}: SimulationOptions): readonly (Burst & { readonly share: number })[] {
  if (!withBursts) return [];
  const random = createRandom(seed * 7_919 + 1);
  const bursts: (Burst & { readonly share: number })[] = [];
  const busyUntil = new Map<string, number>();
  const hours = days * 24;
  for (let count = Math.round(((hours - firstBurstHour) / 24) * burstsPerDay); count > 0; count--) {
    const from = firstBurstHour + drawIndex(random, hours - firstBurstHour - burstHours.shortest);
    const length = burstHours.shortest + drawIndex(random, burstHours.longest - burstHours.shortest + 1);
    const share = burstShare.least * (burstShare.most / burstShare.least) ** random();
    const query = nameOf(firstBurstRank + drawIndex(random, queries - firstBurstRank));
    if ((busyUntil.get(query) ?? -1) >= 0) continue;
    busyUntil.set(query, from + length);
    const [fromSecond, toSecond] = [from, Math.min(hours, from + length)].map(
      (hour) => startSecond + hour * hourSeconds,
    );
    bursts.push({ query, share, fromSecond: fromSecond!, toSecond: toSecond! });
  }
  return bursts;
}

/** Searches in the order of time, an hour at a time. */
export function* simulate(options: SimulationOptions): Generator<readonly Search[]> {
  const { searchesPerDay, seed, days } = options;
  const random = createRandom(seed);
  const rank = zipf(queries, zipfExponent, random);
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
    for (let count = poisson(expected, random); count > 0; count--) add(nameOf(rank()));
    for (const { query, share, fromSecond, toSecond } of bursts) {
      if (second < fromSecond || second >= toSecond) continue;
      for (let count = poisson(expected * share * swell(second, fromSecond, toSecond), random); count > 0; count--)
        add(query);
    }
    yield searches.sort((one, other) => one.second - other.second);
  }
}

/** By day and by week, 1 on average. */
function season(hour: number): number {
  const ofDay = 1 + 0.6 * Math.sin(((hour % 24) - 9) * (Math.PI / 12));
  const weekday = Math.floor(hour / 24) % 7;
  return ofDay * (weekday >= 5 ? 1.25 : 0.9);
}

/** A burst comes fast and goes slowly. 1 on average. */
function swell(second: number, fromSecond: number, toSecond: number): number {
  const part = (second - fromSecond) / (toSecond - fromSecond);
  return part < 0.2 ? 0.5 + (part / 0.2) * 1.25 : 1.75 - ((part - 0.2) / 0.8) * 1.5;
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
