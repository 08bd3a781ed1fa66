import type { HourCount } from '../trend-store.ts';

const keptCounts = 20_000;

/** The latest increments of this process, for those who keep sums in memory. */
export type CountJournal = {
  /** Rises with every commit. */
  readonly revision: () => number;
  readonly add: (counts: readonly HourCount[]) => void;
  /** What was added after a revision; null when that is no longer known. */
  readonly since: (revision: number) => readonly HourCount[] | null;
  /** Something was counted that is not in here. */
  readonly lose: () => void;
};

export function createCountJournal(): CountJournal {
  let last = 1;
  let kept = 0;
  let entries: { readonly revision: number; readonly counts: readonly HourCount[] }[] = [];
  /** The oldest revision `since` can start from. */
  let first = 1;
  return {
    revision: () => last,
    add: (counts) => {
      if (counts.length === 0) return;
      entries.push({ revision: ++last, counts });
      kept += counts.length;
      while (kept > keptCounts) {
        const dropped = entries.shift()!;
        kept -= dropped.counts.length;
        first = dropped.revision;
      }
    },
    since: (revision) => {
      if (revision < first || revision > last) return null;
      return entries.flatMap((entry) => (entry.revision > revision ? entry.counts : []));
    },
    lose: () => {
      entries = [];
      kept = 0;
      first = ++last;
    },
  };
}
