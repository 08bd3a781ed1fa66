import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import type { CountedSince, HourCount } from '../trend-store.ts';

const keptCounts = 20_000;
/** Hours are read again as wholes, which takes longer than a count. */
const costOfHour = 100;

/** What was counted lately, for those who keep sums in memory: increments of this process, hours of others. */
export type CountJournal = {
  /** Rises with every commit. */
  readonly revision: () => number;
  /** What a transaction has counted, before it commits. */
  readonly write: (counts: readonly HourCount[]) => void;
  /** The transaction has committed. */
  readonly add: (counts: readonly HourCount[]) => void;
  /** Others have committed: finds the hours that they counted into. */
  readonly noticeOthers: () => void;
  /** What was added after a revision; null when that is no longer known. */
  readonly since: (revision: number) => Omit<CountedSince, 'revision'> | null;
};

type Entry = {
  readonly revision: number;
  readonly counts: readonly HourCount[];
  readonly hours: readonly number[];
  readonly cost: number;
};
type CountRow = readonly [query: number, readers: number, anonymous: number, searches: number];

/** The numbers of commits stand in the file, by hour, so that another process finds out where this one has counted. */
export function createCountJournal(database: SqliteDatabase): CountJournal {
  const readLast = database.prepare('SELECT COALESCE(MAX(commit_no), 0) FROM counted_hour');
  const readHours = database.prepare('SELECT hour FROM counted_hour WHERE commit_no > ?');
  const number = database.prepare('INSERT OR REPLACE INTO counted_hour VALUES (?, ?)');
  const readCounts = database.prepare('SELECT query, readers, anonymous, searches FROM hourly WHERE hour = ?');
  for (const statement of [readLast, readHours, readCounts]) statement.setReturnArrays(true);
  const lastNumber = (): number => (readLast.get() as unknown as readonly [number])[0];

  let last = 1;
  let kept = 0;
  let entries: Entry[] = [];
  /** The oldest revision `since` can start from. */
  let first = 1;
  /** Everything up to here is in the entries, or was there before them. */
  let known = lastNumber();
  let written = known;

  const push = (counts: readonly HourCount[], hours: readonly number[]): void => {
    const cost = counts.length + hours.length * costOfHour;
    entries.push({ revision: ++last, counts, hours, cost });
    kept += cost;
    while (kept > keptCounts) {
      const dropped = entries.shift()!;
      kept -= dropped.cost;
      first = dropped.revision;
    }
  };

  const countsOf = (hour: number): readonly HourCount[] =>
    (readCounts.all(hour) as unknown as CountRow[]).map(([query, readers, anonymous, searches]) => ({
      query,
      hour,
      readers,
      anonymous,
      searches,
    }));

  return {
    revision: () => last,
    write: (counts) => {
      if (counts.length === 0) return;
      written = Math.max(known, lastNumber()) + 1;
      for (const hour of new Set(counts.map((count) => count.hour))) number.run(hour, written);
    },
    add: (counts) => {
      if (counts.length === 0) return;
      known = written;
      push(counts, []);
    },
    noticeOthers: () => {
      const hours = readHours.all(known) as unknown as (readonly [number])[];
      if (hours.length === 0) return;
      known = lastNumber();
      push(
        [],
        hours.map(([hour]) => hour),
      );
    },
    since: (revision) => {
      if (revision < first || revision > last) return null;
      const later = entries.filter((entry) => entry.revision > revision);
      const replaced = new Set(later.flatMap(({ hours }) => hours));
      const counts = later.flatMap((entry) => entry.counts).filter(({ hour }) => !replaced.has(hour));
      const replacedHours = [...replaced];
      return { counts: [...counts, ...replacedHours.flatMap(countsOf)], replacedHours };
    },
  };
}
