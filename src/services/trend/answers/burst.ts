/** How many hours a rise may have lasted: it is looked for in the last 3, 6, 12 and 24 hours. */
export const burstHours = [3, 6, 12, 24] as const;
export type BurstHours = (typeof burstHours)[number];

/** The baseline is the week before the last 24 hours, so that a rise of a day is not in it. */
export const baselineHours = 168;

/** Fewer readers are no rise. */
export const fewestReaders = 4;

/** No query rises with a lower score, however few queries there are. */
export const lowestScore = 3;

/** A baseline with fewer readers says nothing. */
const fewestBaseline = 50;

/** So many readers are added to every baseline, so that a query without one does not rise with its first readers. */
const priorReaders = 2;

/** Rows a day that rise by chance, about. Less than one, since a query is tested in several windows. */
const falseRowsPerDay = 0.3;

/** What every query is compared with at one time. */
export type Comparison = {
  /** Readers in so many hours for each reader of the baseline, over all queries; `null` when there are too few. */
  readonly ratios: Readonly<Record<BurstHours, number>> | null;
  /** How many queries have enough readers in 24 hours to rise. */
  readonly queries: number;
};

/**
 * The ratios cancel the time of day and growth.
 * @param readersIn the readers by name of all queries, each once per query and hour, in so many hours.
 * @param inBaseline those of the baseline.
 */
export function compareAll(readersIn: (hours: BurstHours) => number, inBaseline: number, queries: number): Comparison {
  if (inBaseline < fewestBaseline) return { ratios: null, queries };
  const ratioOf = (hours: BurstHours): number => (readersIn(hours) + hours / 2) / (inBaseline + baselineHours / 2);
  return { ratios: { 3: ratioOf(3), 6: ratioOf(6), 12: ratioOf(12), 24: ratioOf(24) }, queries };
}

/** The greatest score, and the window it was found in. */
export type Rise = { readonly score: number; readonly hours: BurstHours };

/** @param countIn the readers of one query in so many hours. */
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
 * How surprising it is that `count` readers searched for a query in a window, given its baseline: the signed square root
 * of the deviance of two Poisson counts, when `ratio` is what the one should be to the other. Both counts are compared with
 * what both together let expect, so that a small baseline is trusted less.
 * @returns 0 when there are fewer than expected, or too few.
 */
export function burstScore(count: number, baseline: number, ratio: number): number {
  if (count < fewestReaders) return 0;
  const before = baseline + priorReaders;
  const expected = ((count + before) * ratio) / (1 + ratio);
  if (count <= expected) return 0;
  const expectedBefore = count + before - expected;
  return Math.sqrt(2 * (count * Math.log(count / expected) + before * Math.log(before / expectedBefore)));
}

/**
 * Whether a rise goes on: unless the last 3 hours are clearly (e times) more likely at the rate of the baseline than at
 * that of the last 24 hours (likelihood ratio of a Poisson count). Then readers had turned to the query and no longer do.
 */
export function goesOn(countIn: (hours: BurstHours) => number, baseline: number, { ratios }: Comparison): boolean {
  if (ratios === null) return false;
  const before = baseline + priorReaders;
  const times = countIn(24) / (before * ratios[24]);
  return times > 1 && countIn(3) * Math.log(times) - before * ratios[3] * (times - 1) > -1;
}

/**
 * From this score on a query is shown as rising. By chance alone scores are about normal, and every query is tested every
 * hour: the more queries, the higher, so that as few rows rise by chance in a busy shop as in a quiet one. Each row above
 * lowers it for the next one, so that the same share of all rows is there by chance (Holm 1979, with shares as Benjamini
 * and Hochberg 1995).
 * @param queries those that had enough readers in 24 hours to rise.
 * @param row 1 for the first row.
 */
export function risingScore(queries: number, row: number): number {
  const chance = Math.min(0.01, (falseRowsPerDay * row) / (24 * Math.max(1, queries)));
  let score = lowestScore;
  // The upper tail of the normal distribution is φ(z)/z, nearly; solved for z.
  for (let round = 0; round < 5; round++) score = Math.sqrt(-2 * Math.log(chance * score * Math.sqrt(2 * Math.PI)));
  return Math.max(lowestScore, score);
}
