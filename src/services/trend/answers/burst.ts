/** The windows in which a query may rise, in hours. */
export const burstWindows = { '3h': 3, '24h': 24 } as const;
export type BurstWindow = keyof typeof burstWindows;

/** The baseline is as many hours before the window. */
export const baselineHours = 168;

/** From this score on a query is shown as rising. */
export const risingScore = 3;

/** Fewer readers are no rise. */
export const fewestReaders = 5;

/** A baseline with fewer readers says nothing. */
const fewestBaseline = 50;

/** Readers of all queries, by name, each once per query and hour. */
export type AllReaders = { readonly inWindow: number; readonly inBaseline: number };

/**
 * How surprising it is that `count` readers searched for a query in a window, given its baseline: the signed square root
 * of the Poisson deviance, 2(c·ln(c/μ) − (c − μ)). μ is what the baseline lets expect, times the ratio of all readers in
 * both, which cancels the time of day and growth. Two readers are added to every baseline, so that a query without one
 * does not rise with its first readers.
 * @param hours the length of the window.
 * @returns 0 when there are fewer than expected, too few, or nothing to compare with.
 */
export function burstScore(count: number, baseline: number, all: AllReaders, hours: number): number {
  if (count < fewestReaders || all.inBaseline < fewestBaseline) return 0;
  const expected = ((baseline + 2) * (all.inWindow + hours / 2)) / (all.inBaseline + baselineHours / 2);
  if (count <= expected) return 0;
  return Math.sqrt(2 * (count * Math.log(count / expected) - (count - expected)));
}
