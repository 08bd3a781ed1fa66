import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import type { Migrations } from '../../../../sqlite/migrations.ts';
import { createLatestAnswers } from './latest-answers.ts';
import { createQueryNumbers, createReaderNumbers } from './numbers.ts';
import { hourOf, tallySearch, type QueryTally } from '../../counting/tally.ts';
import type { CountedSearch } from '../../trend-projection.ts';
import type { HourCount } from '../trend-store.ts';

/**
 * A spelling that is the key itself, as most are, has no row: it has the searches that no other spelling has.
 *
 * `query` is the number of a query in this file, `reader` what is kept of a reader's id (see `createReaderNumbers`).
 * Hours and days are since 1970, UTC.
 */
const countsSchema = `
  CREATE TABLE query (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
  );

  CREATE TABLE last_search (
    query INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL
  );

  CREATE TABLE distinct_reader (
    hour INTEGER NOT NULL,
    query INTEGER NOT NULL,
    reader INTEGER NOT NULL,
    PRIMARY KEY (hour, query, reader)
  ) WITHOUT ROWID;

  CREATE TABLE hourly (
    hour INTEGER NOT NULL,
    query INTEGER NOT NULL,
    readers INTEGER NOT NULL,
    anonymous INTEGER NOT NULL,
    searches INTEGER NOT NULL,
    PRIMARY KEY (hour, query)
  ) WITHOUT ROWID;

  CREATE TABLE daily (
    day INTEGER NOT NULL,
    query INTEGER NOT NULL,
    readers INTEGER NOT NULL,
    anonymous INTEGER NOT NULL,
    searches INTEGER NOT NULL,
    PRIMARY KEY (day, query)
  ) WITHOUT ROWID;

  CREATE TABLE spelling (
    day INTEGER NOT NULL,
    query INTEGER NOT NULL,
    label TEXT NOT NULL,
    searches INTEGER NOT NULL,
    PRIMARY KEY (day, query, label)
  ) WITHOUT ROWID;

  CREATE TABLE answer (
    query INTEGER PRIMARY KEY,
    corrected TEXT,
    books BLOB NOT NULL
  );
`;

/** Before, a spelling that is the key had rows as all others have. */
const keysUnspelt = 'DELETE FROM spelling WHERE label = (SELECT key FROM query WHERE id = spelling.query)';

export const countsMigrations: Migrations = { name: 'trend', steps: [countsSchema, keysUnspelt] };

export type SearchCounter = {
  /** Counts inside the open transaction; the increments are true once it has committed. */
  readonly count: (searches: readonly CountedSearch[]) => readonly HourCount[];
  /** Must be called when a transaction failed, and when rows may have been removed or written by others. */
  readonly forgetRemembered: () => void;
};

/** Sums of a batch are made in memory and written once; only distinct readers are a row each. */
export function createSearchCounter(database: SqliteDatabase): SearchCounter {
  const queries = createQueryNumbers(database);
  const readers = createReaderNumbers();
  const answers = createLatestAnswers(database);
  const addReader = database.prepare('INSERT OR IGNORE INTO distinct_reader VALUES (?, ?, ?)');
  return {
    count: (searches) => {
      const tallies = new Map<string, QueryTally>();
      for (const search of searches) {
        const tally = tallySearch(tallies, search, queries.numberOf);
        if (search.reader === null) continue;
        const reader = readers.numberOf(search.reader);
        hourOf(tally, search.hour).readers += Number(addReader.run(search.hour, tally.query, reader).changes);
      }
      for (const { query, latest } of tallies.values()) answers.keep(query, latest);
      return writeTallies(database, tallies.values());
    },
    forgetRemembered: () => {
      queries.forget();
      answers.forget();
    },
  };
}

function writeTallies(database: SqliteDatabase, tallies: Iterable<QueryTally>): readonly HourCount[] {
  const raiseHour = database.prepare(
    `INSERT INTO hourly VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET readers = readers + excluded.readers,
       anonymous = anonymous + excluded.anonymous, searches = searches + excluded.searches`,
  );
  const raiseSpelling = database.prepare(
    'INSERT INTO spelling VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET searches = searches + excluded.searches',
  );
  const counts: HourCount[] = [];
  for (const { query, key, hours, spellings } of tallies) {
    for (const { hour, readers, anonymous, searches } of hours) {
      raiseHour.run(hour, query, readers, anonymous, searches);
      counts.push({ query, key, hour, readers, anonymous, searches });
    }
    for (const { day, label, searches } of spellings) {
      if (label !== key) raiseSpelling.run(day, query, label, searches);
    }
  }
  return counts;
}
