/** The windows in which a rise is looked for: the last 3, 6, 12 and 24 hours. */
export const burstHours = [3, 6, 12, 24] as const;
export type BurstHours = (typeof burstHours)[number];

/** The baseline is the week before the last 24 hours, so that it does not contain the rise itself. */
export const baselineHours = 168;

/** A query with fewer readers is not rising. */
export const fewestReaders = 4;

/** No query rises with a lower score, however few queries there are. */
export const lowestScore = 3;

/** A baseline with fewer readers over all queries is too small to compare with. */
const fewestBaseline = 50;

/** Readers added to every baseline, so that a new query does not rise with its first readers. */
const priorReaders = 2;

/** About how many rows a day may rise by chance. It is below 1 because a query is tested in several windows. */
const falseRowsPerDay = 0.3;

/** What all queries are compared with at one moment. */
export type Comparison = {
  /**
   * Over all queries: readers in the last 3, 6, 12 and 24 hours per reader of the baseline; `null` when there are too
   * few readers.
   */
  readonly ratios: Readonly<Record<BurstHours, number>> | null;
  /** How many queries have enough readers in 24 hours to rise. */
  readonly queries: number;
};

/** The readers of one query in the last `hours`, and in the baseline. */
export type QueryCounts = { readonly countIn: (hours: BurstHours) => number; readonly baseline: number };

/** A query with a smaller share of all readers, in a window and in the baseline, hardly changes a total. */
export const largeShare = 0.01;
const mostLeftOut = 20;

/**
 * Compares with all queries, so that the time of day and growth of the shop cancel out. A query that has clearly
 * changed itself is left out of both totals. Otherwise one huge rise would hide all others, and its end would make
 * others rise. (Robinson and Oshlack 2010 compare genes like this: trimmed mean of M-values.)
 * @param readersIn the named readers of all queries in the last `hours`, each once per query and hour.
 * @param inBaseline the same for the baseline.
 * @param large the queries with a `largeShare` of all readers.
 */
export function compareAll(
  readersIn: (hours: BurstHours) => number,
  inBaseline: number,
  queries: number,
  large: readonly QueryCounts[] = [],
): Comparison {
  if (inBaseline < fewestBaseline) return { ratios: null, queries };
  const clear = leastRisingScore(queries, 1);
  const ratioOf = (hours: BurstHours): number => ratioOfOthers(hours, readersIn(hours), inBaseline, { large, clear });
  return { ratios: { 3: ratioOf(3), 6: ratioOf(6), 12: ratioOf(12), 24: ratioOf(24) }, queries };
}

/** One query is left out at a time, since a huge one makes all others look as if they had changed. */
function ratioOfOthers(
  hours: BurstHours,
  readers: number,
  inBaseline: number,
  { large, clear }: { readonly large: readonly QueryCounts[]; readonly clear: number },
): number {
  const left = new Set(large);
  let [count, before] = [readers, inBaseline];
  for (let round = 0; ; round++) {
    const ratio = (count + hours / 2) / (before + baselineHours / 2);
    let changed: QueryCounts | null = null;
    let most = clear;
    for (const query of left) {
      const change = Math.abs(changeOf(query.countIn(hours), query.baseline, ratio));
      if (change > most) [changed, most] = [query, change];
    }
    if (changed === null || round === mostLeftOut || before - changed.baseline < fewestBaseline) return ratio;
    left.delete(changed);
    count = Math.max(0, count - changed.countIn(hours));
    before -= changed.baseline;
  }
}

/** The greatest score, and the window that has it. */
export type Rise = { readonly score: number; readonly hours: BurstHours };

/** @param countIn the readers of one query in the last `hours`. */
export function riseOf(countIn: (hours: BurstHours) => number, baseline: number, { ratios }: Comparison): Rise {
  let best: Rise = { score: 0, hours: 24 };
  if (ratios === null) return best;
  for (const hours of burstHours) {
    const score = burstScore(countIn(hours), baseline, ratios[hours]);
    if (score > best.score) best = { score, hours };
  }
  return best;
}

/**
 * How surprising it is that `count` readers searched for a query in a window, given its baseline: see `changeOf`.
 * @returns 0 when there are fewer readers than expected, or fewer than `fewestReaders`.
 */
export function burstScore(count: number, baseline: number, ratio: number): number {
  return count < fewestReaders ? 0 : Math.max(0, changeOf(count, baseline, ratio));
}

/**
 * The signed square root of the deviance of two Poisson counts, where `ratio` is the expected ratio of the two. Both
 * counts are compared with the expectation from their sum, so that a small baseline is trusted less.
 */
function changeOf(count: number, baseline: number, ratio: number): number {
  const before = baseline + priorReaders;
  const expected = ((count + before) * ratio) / (1 + ratio);
  const expectedBefore = count + before - expected;
  const ofCount = count === 0 ? 0 : count * Math.log(count / expected);
  const deviance = 2 * (ofCount + before * Math.log(before / expectedBefore));
  return Math.sign(count - expected) * Math.sqrt(Math.max(0, deviance));
}

/**
 * Whether a rise still lasts. It is over when the last 3 hours look e times more like the baseline than like the last
 * 24 hours (likelihood ratio of a Poisson count).
 */
export function goesOn(countIn: (hours: BurstHours) => number, baseline: number, { ratios }: Comparison): boolean {
  if (ratios === null) return false;
  const before = baseline + priorReaders;
  const times = countIn(24) / (before * ratios[24]);
  return times > 1 && countIn(3) * Math.log(times) - before * ratios[3] * (times - 1) > -1;
}

/**
 * The lowest score with which a query is shown as rising. Without rises, scores are about normally distributed, and
 * every query is tested every hour. So the limit grows with the number of queries: a busy shop has as few rows by
 * chance as a quiet one. Each rising row lowers the limit for the next one, so that the same share of all rows is there
 * by chance (Holm 1979, with shares as in Benjamini and Hochberg 1995).
 * @param queries how many queries had enough readers in 24 hours to rise.
 * @param row 1 for the first row.
 */
export function leastRisingScore(queries: number, row: number): number {
  const chance = Math.min(0.01, (falseRowsPerDay * row) / (24 * Math.max(1, queries)));
  let score = lowestScore;
  // The upper tail of the normal distribution is φ(z)/z, nearly; solved for z.
  for (let round = 0; round < 5; round++) score = Math.sqrt(-2 * Math.log(chance * score * Math.sqrt(2 * Math.PI)));
  return Math.max(lowestScore, score);
}
