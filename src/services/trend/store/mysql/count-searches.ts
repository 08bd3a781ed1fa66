import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { runSteps } from '../../../../mysql/run-steps.ts';
import type { CommitContext } from '../../../../progress/mysql/progress.ts';
import { inKeyOrder, upsert, write, type MergedTable } from '../../../../sql/statements.ts';
import { hourOf, spellingOf, tallySearch, type QueryTally } from '../tally.ts';
import { spellingReader, type CountedSearch, type TrendChange } from '../../trend-projection.ts';
import { decision, decisionRow, hourly, lead, spelling, unanswered } from '../tables.ts';
import type { HourCount } from '../trend-store.ts';
import { beginCommit, journalCommit } from './commit-journal.ts';
import { keepLatestAnswers, lockQueries } from './queries.ts';

type ReaderRow = readonly [hour: number, query: number, reader: number, commitNo: number];

/**
 * Counts inside a commit. Sums are made in memory and written once; only distinct readers are a row each. SQLite has a
 * counter of its own: here other instances insert readers at the same time, so new rows carry the commit's number and
 * counts are raised from exactly those.
 */
export async function countSearches(changes: readonly TrendChange[], context: CommitContext): Promise<void> {
  const { connection } = context;
  const begun = await beginCommit(context);
  const searches = changes.filter((change) => change.kind === 'search');
  const decisions = changes.filter((change) => change.kind === 'decision');
  const rows = await lockQueries(connection, new Set(searches.map(({ queryKey }) => queryKey)));
  const tallies = new Map<string, QueryTally>();
  for (const search of searches) tallySearch(tallies, search, (key) => rows.get(key)!.id);
  await addReaders(connection, searches, tallies, begun.commitNo);
  await addSpellingReaders(connection, searches, tallies, begun.commitNo);
  await keepLatestAnswers(connection, tallies.values(), rows);
  await runSteps(connection, write(decision, decisions.map(decisionRow)));
  await journalCommit(context, begun, await raiseCounts(connection, tallies.values()));
}

async function addReaders(
  connection: MysqlConnection,
  searches: readonly CountedSearch[],
  tallies: ReadonlyMap<string, QueryTally>,
  commitNo: number,
): Promise<void> {
  const readers = new Map<string, ReaderRow>();
  for (const { hour, queryKey, reader } of searches) {
    if (reader === null) continue;
    const { query } = tallies.get(queryKey)!;
    readers.set(`${hour} ${query} ${reader}`, [hour, query, reader, commitNo]);
  }
  const added = await insertReaders(connection, 'hourly_reader', [...readers.values()]);
  if (added === 0) return;
  const byNumber = new Map(Array.from(tallies.values(), (tally) => [tally.query, tally]));
  const count = (hour: number, query: number, more: number): void => {
    hourOf(byNumber.get(query)!, hour).readers += more;
  };
  if (added === readers.size) {
    for (const [hour, query] of readers.values()) count(hour, query, 1);
    return;
  }
  const counted = await connection.rows(
    'SELECT hour, query, COUNT(*) AS readers FROM state.hourly_reader WHERE commit_no = ? GROUP BY hour, query',
    [commitNo],
  );
  for (const row of counted) count(Number(row['hour']), Number(row['query']), Number(row['readers']));
}

async function addSpellingReaders(
  connection: MysqlConnection,
  searches: readonly CountedSearch[],
  tallies: ReadonlyMap<string, QueryTally>,
  commitNo: number,
): Promise<void> {
  const spelt = new Map<string, { readonly search: CountedSearch; readonly row: ReaderRow }>();
  for (const search of searches) {
    const { hour, queryKey, label, reader } = search;
    if (reader === null || label === queryKey) continue;
    const row: ReaderRow = [hour, tallies.get(queryKey)!.query, spellingReader(label, reader), commitNo];
    spelt.set(row.slice(0, 3).join(), { search, row });
  }
  if (spelt.size === 0) return;
  await insertReaders(
    connection,
    'spelling_reader',
    Array.from(spelt.values(), ({ row }) => row),
  );
  const added = await connection.rows('SELECT hour, query, reader FROM state.spelling_reader WHERE commit_no = ?', [
    commitNo,
  ]);
  for (const row of added) {
    const { search } = spelt.get([row['hour'], row['query'], row['reader']].map(Number).join())!;
    spellingOf(tallies.get(search.queryKey)!, search).readers++;
  }
}

/** @returns how many were new. */
function insertReaders(connection: MysqlConnection, table: string, readers: readonly ReaderRow[]): Promise<number> {
  return connection.insert(
    `INSERT IGNORE INTO state.${table} (hour, query, reader, commit_no) VALUES ?`,
    readers.toSorted((one, other) => one[0] - other[0] || one[1] - other[1] || one[2] - other[2]),
  );
}

async function raiseCounts(connection: MysqlConnection, tallies: Iterable<QueryTally>): Promise<readonly HourCount[]> {
  const counts: HourCount[] = [];
  const rows = new Map<MergedTable, (readonly (string | number)[])[]>();
  for (const table of [hourly, spelling, lead, unanswered]) rows.set(table, []);
  for (const { query, hours, spellings, leads } of tallies) {
    for (const { hour, readers, anonymous, searches, places, ...none } of hours) {
      rows.get(hourly)!.push([hour, query, readers, anonymous, searches, places]);
      if (none.unanswered > 0) rows.get(unanswered)!.push([hour, query, none.unanswered, none.unansweredMs]);
      counts.push({ query, hour, readers, anonymous, searches });
    }
    for (const { day, label, readers, places } of spellings) {
      rows.get(spelling)!.push([day, query, label, readers, places]);
    }
    for (const { day, book, searches } of leads) rows.get(lead)!.push([day, query, book, searches]);
  }
  for (const [table, values] of rows) await connection.insert(upsert(table, 'mysql'), inKeyOrder(table, values));
  return counts;
}
