import type { Random } from './seeded-random.ts';

/**
 * Ranks from 0 to below `count` as Zipf found them in texts (1949) and others in query logs: the k-th most popular thing
 * is asked for 1/k as often as the first.
 * @throws RangeError when `count` is not a positive integer.
 */
export function createZipf(count: number): (random: Random) => number {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`expected at least one rank, got ${count}`);
  const upTo = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank++) upTo[rank] = total += 1 / (rank + 1);
  return (random) => firstAbove(upTo, random() * total);
}

/** The index of the first of rising values that is greater than `value`. */
export function firstAbove(rising: Float64Array, value: number): number {
  let low = 0;
  let high = rising.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
