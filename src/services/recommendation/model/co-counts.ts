/** How many readers have both of two works: exact integers for every pair, updated incrementally in both directions. */
export type CoCounts = {
  /** Adds `by` (1 or −1) to the pair of two different works, numbered from 0. */
  readonly add: (one: number, other: number, by: 1 | -1) => void;
  readonly get: (one: number, other: number) => number;
  /** About how many works share readers with this one; never too few. */
  readonly breadth: (work: number) => number;
  /**
   * Calls `visit` for each work that shares at least `fewest` readers (1 or 2) with this one, in no particular order.
   */
  readonly eachOf: (work: number, fewest: number, visit: (other: number, readers: number) => void) => void;
};

/** An entry is a work and its count in one integer. Counts that do not fit are in `large` instead. */
const countBits = 10;
const countMask = (1 << countBits) - 1;
/** The most works that can be counted: the other bits of an entry, without 0, which marks a free slot. */
export const mostWorks = 2 ** (32 - countBits) - 1;
const smallestRow = 4;
/** A row grows when more than three quarters of its slots are taken. */
const fullest = 0.75;

type Row = {
  entries: Uint32Array;
  /** How many slots are taken, including pairs whose count is back at 0. */
  taken: number;
  /** Keyed by work; created when the first count grows too large. */
  large: Map<number, number> | null;
};

/** One open-addressing hash table per work. Each pair is in the rows of both works. */
export function createCoCounts(): CoCounts {
  const rows: (Row | undefined)[] = [];
  let found = new Uint32Array(0);
  return {
    add: (one, other, by) => {
      addTo((rows[one] ??= emptyRow()), other, by);
      addTo((rows[other] ??= emptyRow()), one, by);
    },
    get: (one, other) => {
      const row = rows[one];
      if (row === undefined) return 0;
      const entry = row.entries[slotOf(row.entries, other)]!;
      return entry === 0 ? 0 : countOf(row, entry);
    },
    breadth: (work) => rows[work]?.taken ?? 0,
    eachOf: (work, fewest, visit) => {
      const row = rows[work];
      if (row === undefined) return;
      const { entries } = row;
      if (found.length < entries.length) found = new Uint32Array(entries.length);
      let size = 0;
      for (let slot = 0; slot < entries.length; slot++) {
        const entry = entries[slot]!;
        found[size] = entry;
        // 1 if the count is at least `fewest`, else 0. Computed without a branch, because the processor would often
        // predict it wrongly.
        size += ((entry & countMask) + countMask + 1 - fewest) >>> countBits;
      }
      for (let at = 0; at < size; at++) visit((found[at]! >>> countBits) - 1, countOf(row, found[at]!));
    },
  };
}

function emptyRow(): Row {
  return { entries: new Uint32Array(smallestRow), taken: 0, large: null };
}

/** The slot of a work in a row, or the free slot for it. */
function slotOf(entries: Uint32Array, work: number): number {
  const last = entries.length - 1;
  let slot = (Math.imul(work + 1, 0x9e3779b1) >>> 7) & last;
  for (;;) {
    const entry = entries[slot]!;
    if (entry === 0 || entry >>> countBits === work + 1) return slot;
    slot = (slot + 1) & last;
  }
}

function countOf(row: Row, entry: number): number {
  const count = entry & countMask;
  return count === countMask ? row.large!.get(entry >>> countBits)! : count;
}

function addTo(row: Row, work: number, by: 1 | -1): void {
  const slot = slotOf(row.entries, work);
  const entry = row.entries[slot]!;
  const count = (entry === 0 ? 0 : countOf(row, entry)) + by;
  if (count < 0) throw new Error(`a pair with work ${work} was taken back more often than it was counted`);
  if (count >= countMask) (row.large ??= new Map()).set(work + 1, count);
  row.entries[slot] = (((work + 1) << countBits) | Math.min(count, countMask)) >>> 0;
  if (entry !== 0) return;
  row.taken++;
  if (row.taken > row.entries.length * fullest) grow(row);
}

/** Drops pairs whose count is back at 0. The other pairs then fill at most half of the slots. */
function grow(row: Row): void {
  let kept = 0;
  for (const entry of row.entries) if ((entry & countMask) !== 0) kept++;
  let slots = smallestRow;
  while (kept * 2 > slots) slots *= 2;
  const entries = new Uint32Array(slots);
  for (const entry of row.entries) {
    if ((entry & countMask) !== 0) entries[slotOf(entries, (entry >>> countBits) - 1)] = entry;
  }
  row.entries = entries;
  row.taken = kept;
}
