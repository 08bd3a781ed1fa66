import type { Counts } from './trend-store.ts';

/** The counts in a row of any store, which all call these columns the same. */
export function decodeCounts(row: Readonly<Record<string, unknown>>): Counts {
  return {
    readers: Number(row['readers']),
    anonymous: Number(row['anonymous']),
    searches: Number(row['searches']),
  };
}
