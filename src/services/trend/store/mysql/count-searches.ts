import { hash } from 'node:crypto';
import type { MysqlConnection } from '../../../../mysql/connection.ts';
import type { CommitContext } from '../../../../progress/mysql/progress.ts';
import { beginCommit, journalCommit } from './commit-journal.ts';
import { keepLatestAnswers } from './latest-answers.ts';
import { lockQueries } from './query-numbers.ts';
import { hourOf, tallySearch, type QueryTally } from '../../counting/tally.ts';
import type { CountedSearch } from '../../trend-projection.ts';
import type { HourCount } from '../trend-store.ts';

/**
 * Counts inside a commit. Sums are made in memory and written once; only distinct readers are a row each. New ones carry
 * the commit's number and counts are raised from exactly those, so that nobody counts twice whoever else inserts
 * meanwhile.
 */
export async function countSearches(searches: readonly CountedSearch[], context: CommitContext): Promise<void> {
  const { connection } = context;
  const begun = await beginCommit(context);
  const keys = new Set(searches.map(({ queryKey }) => queryKey));
  const rows = await lockQueries(connection, keys);
  const tallies = new Map<string, QueryTally>();
  const readers: ReaderRow[] = [];
  for (const search of searches) {
    const tally = tallySearch(tallies, search, (key) => rows.get(key)!.id);
    if (search.reader === null) continue;
    readers.push([search.hour, tally.query, readerHash(search.reader), begun.commitNo]);
  }
  await addReaders(connection, readers, tallies, begun.commitNo);
  await keepLatestAnswers(
    connection,
    Array.from(tallies.values(), ({ key, latest }) => ({ row: rows.get(key)!, latest })),
  );
  const counts = await raiseCounts(connection, tallies.values());
  await journalCommit(context, begun, counts);
}

type ReaderRow = readonly [hour: number, query: number, reader: Buffer, commitNo: number];

/** What is kept of a reader: enough to know one again, and not who it is. */
function readerHash(reader: string): Buffer {
  return hash('sha256', reader, 'buffer').subarray(0, 16);
}

async function addReaders(
  connection: MysqlConnection,
  readers: readonly ReaderRow[],
  tallies: ReadonlyMap<string, QueryTally>,
  commitNo: number,
): Promise<void> {
  if (readers.length === 0) return;
  await connection.insert(
    'INSERT IGNORE INTO state.distinct_reader (hour, query, reader, commit_no) VALUES ?',
    [...readers].sort((one, other) => one[0] - other[0] || one[1] - other[1] || Buffer.compare(one[2], other[2])),
  );
  const added = await connection.rows(
    'SELECT hour, query, COUNT(*) AS readers FROM state.distinct_reader WHERE commit_no = ? GROUP BY hour, query',
    [commitNo],
  );
  const byNumber = new Map(Array.from(tallies.values(), (tally) => [tally.query, tally]));
  for (const row of added) {
    hourOf(byNumber.get(Number(row['query']))!, Number(row['hour'])).readers = Number(row['readers']);
  }
}

async function raiseCounts(connection: MysqlConnection, tallies: Iterable<QueryTally>): Promise<readonly HourCount[]> {
  const counts: HourCount[] = [];
  const spellings: (readonly [day: number, query: number, label: string, searches: number])[] = [];
  for (const tally of tallies) {
    const { query, key } = tally;
    for (const hour of tally.hours) counts.push({ query, key, ...hour });
    for (const { day, label, searches } of tally.spellings) spellings.push([day, query, label, searches]);
  }
  counts.sort((one, other) => one.hour - other.hour || one.query - other.query);
  await connection.insert(
    `INSERT INTO state.hourly (hour, query, readers, anonymous, searches) VALUES ? ON DUPLICATE KEY UPDATE
       readers = readers + VALUES(readers), anonymous = anonymous + VALUES(anonymous),
       searches = searches + VALUES(searches)`,
    counts.map(({ hour, query, readers, anonymous, searches }) => [hour, query, readers, anonymous, searches]),
  );
  await connection.insert(
    `INSERT INTO state.spelling (day, query, label, searches) VALUES ?
     ON DUPLICATE KEY UPDATE searches = searches + VALUES(searches)`,
    spellings.sort(
      (one, other) =>
        one[0] - other[0] || one[1] - other[1] || Buffer.compare(Buffer.from(one[2]), Buffer.from(other[2])),
    ),
  );
  return counts;
}
