import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { upsert } from '../../../../sql/merge.ts';
import { hourOf, tallySearch, type QueryTally } from '../../counting/tally.ts';
import type { CountedSearch } from '../../trend-projection.ts';
import { hourly, spelling } from '../tables.ts';
import type { HourCount } from '../trend-store.ts';
import { createLatestAnswers, createQueryNumbers } from './queries.ts';

export type SearchCounter = {
  /** Counts inside the open transaction; the increments are true once it has committed. */
  readonly count: (searches: readonly CountedSearch[]) => readonly HourCount[];
  /** Must be called when a transaction failed, and when rows may have been removed or written by others. */
  readonly forgetRemembered: () => void;
};

/**
 * Sums of a commit are made in memory and written once; only distinct readers are a row each. MySQL has a counter of its
 * own: here every reader is inserted and tells whether it was new, which would be a round trip each there.
 */
export function createSearchCounter(database: SqliteDatabase): SearchCounter {
  const queries = createQueryNumbers(database);
  const answers = createLatestAnswers(database);
  const addReader = database.prepare('INSERT OR IGNORE INTO hourly_reader VALUES (?, ?, ?)');
  const raiseHour = database.prepare(upsert(hourly, 'sqlite'));
  const raiseSpelling = database.prepare(upsert(spelling, 'sqlite'));

  const write = ({ query, key, hours, spellings }: QueryTally, counts: HourCount[]): void => {
    for (const { hour, readers, anonymous, searches } of hours) {
      raiseHour.run(hour, query, readers, anonymous, searches);
      counts.push({ query, key, hour, readers, anonymous, searches });
    }
    for (const { day, label, searches } of spellings) raiseSpelling.run(day, query, label, searches);
  };

  return {
    count: (searches) => {
      const tallies = new Map<string, QueryTally>();
      for (const search of searches) {
        const tally = tallySearch(tallies, search, queries.numberOf);
        if (search.reader === null) continue;
        hourOf(tally, search.hour).readers += Number(addReader.run(search.hour, tally.query, search.reader).changes);
      }
      const counts: HourCount[] = [];
      for (const tally of tallies.values()) {
        answers.keep(tally.query, tally.latest);
        write(tally, counts);
      }
      return counts;
    },
    forgetRemembered: () => {
      queries.forget();
      answers.forget();
    },
  };
}
