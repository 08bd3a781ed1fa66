/** The next number from 0 to below 1. */
export type Random = () => number;

/**
 * The same numbers for the same seed: a counter in steps of the golden ratio, its bits mixed by the finalizer of
 * MurmurHash3. For making things up, never for secrets.
 */
export function createRandom(seed: number): Random {
  let counter = seed | 0;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let bits = counter;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 0x1_0000_0000;
  };
}

/** A seed for a separate generator, so that what one part draws does not change what the others get. */
export function drawSeed(random: Random): number {
  return Math.floor(random() * 0x1_0000_0000);
}

/** A whole number from 0 to below `count`. */
export function drawIndex(random: Random, count: number): number {
  return Math.floor(random() * count);
}

/** One of the items, all equally likely. @throws RangeError when the list is empty. */
export function drawOne<Item>(random: Random, items: readonly Item[]): Item {
  if (items.length === 0) throw new RangeError('expected at least one item to draw from');
  return items[drawIndex(random, items.length)]!;
}

/** The time to the next of independent events that are `mean` apart on average. */
export function drawGap(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean;
}

/**
 * Ranks from 0 to below `count` by Zipf's law (Zipf 1949), which query logs follow as well: the k-th most popular thing
 * is asked for 1/k^`exponent` as often as the first.
 * @throws RangeError when `count` is not a positive integer.
 */
export function createZipf(count: number, exponent = 1): (random: Random) => number {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`expected at least one rank, got ${count}`);
  const upTo = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank++) upTo[rank] = total += (rank + 1) ** -exponent;
  return (random) => firstAbove(upTo, random() * total);
}

/** The index of the first of rising values that is greater than `value`. */
function firstAbove(rising: Float64Array, value: number): number {
  let low = 0;
  let high = rising.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
