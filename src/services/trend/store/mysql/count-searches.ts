import type { MysqlConnection } from '../../../../mysql/connection.ts';
import type { CommitContext } from '../../../../progress/mysql/progress.ts';
import { inKeyOrder, upsert } from '../../../../sql/merge.ts';
import { hourOf, tallySearch, type QueryTally } from '../../counting/tally.ts';
import type { CountedSearch } from '../../trend-projection.ts';
import { hourly, spelling } from '../tables.ts';
import type { HourCount } from '../trend-store.ts';
import { beginCommit, journalCommit } from './commit-journal.ts';
import { keepLatestAnswers, lockQueries } from './queries.ts';

type ReaderRow = readonly [hour: number, query: number, reader: number, commitNo: number];

/**
 * Counts inside a commit. Sums are made in memory and written once; only distinct readers are a row each. SQLite has a
 * counter of its own: here other instances insert readers at the same time, so new rows carry the commit's number and
 * counts are raised from exactly those.
 */
export async function countSearches(searches: readonly CountedSearch[], context: CommitContext): Promise<void> {
  const { connection } = context;
  const begun = await beginCommit(context);
  const rows = await lockQueries(connection, new Set(searches.map(({ queryKey }) => queryKey)));
  const tallies = new Map<string, QueryTally>();
  const readers: ReaderRow[] = [];
  for (const search of searches) {
    const { query } = tallySearch(tallies, search, (key) => rows.get(key)!.id);
    if (search.reader !== null) readers.push([search.hour, query, search.reader, begun.commitNo]);
  }
  await addReaders(connection, readers, tallies, begun.commitNo);
  await keepLatestAnswers(connection, tallies.values(), rows);
  await journalCommit(context, begun, await raiseCounts(connection, tallies.values()));
}

async function addReaders(
  connection: MysqlConnection,
  readers: readonly ReaderRow[],
  tallies: ReadonlyMap<string, QueryTally>,
  commitNo: number,
): Promise<void> {
  if (readers.length === 0) return;
  await connection.insert(
    'INSERT IGNORE INTO state.hourly_reader (hour, query, reader, commit_no) VALUES ?',
    readers.toSorted((one, other) => one[0] - other[0] || one[1] - other[1] || one[2] - other[2]),
  );
  const added = await connection.rows(
    'SELECT hour, query, COUNT(*) AS readers FROM state.hourly_reader WHERE commit_no = ? GROUP BY hour, query',
    [commitNo],
  );
  const byNumber = new Map(Array.from(tallies.values(), (tally) => [tally.query, tally]));
  for (const row of added) {
    hourOf(byNumber.get(Number(row['query']))!, Number(row['hour'])).readers = Number(row['readers']);
  }
}

async function raiseCounts(connection: MysqlConnection, tallies: Iterable<QueryTally>): Promise<readonly HourCount[]> {
  const counts: HourCount[] = [];
  const hours: (readonly number[])[] = [];
  const spelt: (readonly (string | number)[])[] = [];
  for (const { query, key, hours: hourTallies, spellings } of tallies) {
    for (const { hour, readers, anonymous, searches } of hourTallies) {
      hours.push([hour, query, readers, anonymous, searches]);
      counts.push({ query, key, hour, readers, anonymous, searches });
    }
    for (const { day, label, searches } of spellings) spelt.push([day, query, label, searches]);
  }
  await connection.insert(upsert(hourly, 'mysql'), inKeyOrder(hourly, hours));
  await connection.insert(upsert(spelling, 'mysql'), inKeyOrder(spelling, spelt));
  return counts;
}
