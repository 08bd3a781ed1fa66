/** Which books an import has touched: one bit per id, so that a million books cost about a megabyte. */
export type TouchedBooks = { readonly has: (id: number) => boolean; readonly add: (id: number) => void };

/** Ids may be as far apart as they like: only groups of 32 that hold one take memory. */
export function createTouchedBooks(): TouchedBooks {
  const groups = new Map<number, number>();
  const groupOf = (id: number): number => Math.floor(id / 32);
  const bitOf = (id: number): number => 1 << (id % 32);
  return {
    has: (id) => ((groups.get(groupOf(id)) ?? 0) & bitOf(id)) !== 0,
    add: (id) => void groups.set(groupOf(id), (groups.get(groupOf(id)) ?? 0) | bitOf(id)),
  };
}
