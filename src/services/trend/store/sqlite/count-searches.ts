import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { runSteps } from '../../../../sqlite/run-steps.ts';
import { upsert, write } from '../../../../sql/statements.ts';
import { hourOf, spellingOf, tallySearch, type QueryTally } from '../../counting/tally.ts';
import { spellingReader, type TrendChange } from '../../trend-projection.ts';
import { decision, decisionRow, hourly, lead, spelling, unanswered } from '../tables.ts';
import type { HourCount } from '../trend-store.ts';
import { createLatestAnswers, createQueryNumbers } from './queries.ts';

export type SearchCounter = {
  /** Counts inside the open transaction; the increments are true once it has committed. */
  readonly count: (changes: readonly TrendChange[]) => readonly HourCount[];
  /** Must be called when a transaction failed, and when rows may have been removed or written by others. */
  readonly forgetRemembered: () => void;
};

/**
 * Sums of a commit are made in memory and written once; only distinct readers are a row each. MySQL counts
 * differently: inserting each reader and asking whether it was new would cost a round trip per reader there.
 */
export function createSearchCounter(database: SqliteDatabase): SearchCounter {
  const queries = createQueryNumbers(database);
  const answers = createLatestAnswers(database);
  const addReader = database.prepare('INSERT OR IGNORE INTO hourly_reader VALUES (?, ?, ?)');
  const addSpellingReader = database.prepare('INSERT OR IGNORE INTO spelling_reader VALUES (?, ?, ?)');
  const raiseHour = database.prepare(upsert(hourly, 'sqlite'));
  const raiseSpelling = database.prepare(upsert(spelling, 'sqlite'));
  const raiseLead = database.prepare(upsert(lead, 'sqlite'));
  const raiseUnanswered = database.prepare(upsert(unanswered, 'sqlite'));

  const tally = (changes: readonly TrendChange[]): ReadonlyMap<string, QueryTally> => {
    const tallies = new Map<string, QueryTally>();
    for (const change of changes) {
      if (change.kind === 'decision') {
        runSteps(database, write(decision, [decisionRow(change)]));
        continue;
      }
      const { hour, reader } = change;
      const counted = tallySearch(tallies, change, queries.numberOf);
      if (reader === null) continue;
      if (addReader.run(hour, counted.query, reader).changes === 1) hourOf(counted, hour).readers++;
      if (change.label === change.queryKey) continue;
      const { changes: added } = addSpellingReader.run(hour, counted.query, spellingReader(change.label, reader));
      if (added === 1) spellingOf(counted, change).readers++;
    }
    return tallies;
  };

  const writeTally = ({ query, hours, spellings, leads }: QueryTally, counts: HourCount[]): void => {
    for (const { hour, readers, anonymous, searches, places, ...none } of hours) {
      raiseHour.run(hour, query, readers, anonymous, searches, places);
      if (none.unanswered > 0) raiseUnanswered.run(hour, query, none.unanswered, none.unansweredMs);
      counts.push({ query, hour, readers, anonymous, searches });
    }
    for (const { day, label, readers, places } of spellings) raiseSpelling.run(day, query, label, readers, places);
    for (const { day, book, searches } of leads) raiseLead.run(day, query, book, searches);
  };

  return {
    count: (changes) => {
      const counts: HourCount[] = [];
      for (const counted of tally(changes).values()) {
        answers.keep(counted);
        writeTally(counted, counts);
      }
      return counts;
    },
    forgetRemembered: () => {
      queries.forget();
      answers.forget();
    },
  };
}
