import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { runSteps } from '../../../../mysql/transaction.ts';
import type { CommitContext } from '../../../../progress/mysql/progress.ts';
import { inKeyOrder, upsert, write, type MergedTable } from '../../../../sql/statements.ts';
import { hourOf, spellingOf, tallySearch, type QueryTally } from '../tally.ts';
import { spellingReader, type CountedSearch, type TrendChange } from '../../trend-projection.ts';
import { decision, decisionRow, hourly, lead, spelling, unanswered } from '../tables.ts';
import type { HourCount } from '../trend-store.ts';
import { hashAnswers, keepLatestAnswers, type QueryLocks } from './queries.ts';

type ReaderRow = readonly [hour: number, query: number, reader: number, commitNo: number];

/**
 * Counts inside a commit. Sums are made in memory and written once; only distinct readers are a row each. This differs
 * from SQLite, because other instances insert readers at the same time: new rows have the commit's number, and counts
 * are raised by exactly these rows.
 */
export async function countSearches(
  changes: readonly TrendChange[],
  context: CommitContext,
  queries: QueryLocks,
): Promise<void> {
  const { connection } = context;
  const commitNo = commitNumber(context);
  const searches = changes.filter((change) => change.kind === 'search');
  const decisions = changes.filter((change) => change.kind === 'decision');
  // Prepares what needs no answer while the server works.
  const locking = queries.lock(connection, new Set(searches.map(({ queryKey }) => queryKey)));
  const uncounted = tallyAll(searches);
  const rows = await locking;
  const tallies = new Map(Array.from(uncounted, ([key, tally]) => [key, { ...tally, query: rows.get(key)!.id }]));
  const adding = addReaders(connection, tallies, commitNo);
  const searched = hashAnswers(tallies.values(), rows);
  await adding;
  await addSpellingReaders(connection, searches, tallies, commitNo);
  await keepLatestAnswers(connection, searched);
  await runSteps(connection, write(decision, decisions.map(decisionRow)));
  await journalCommit(context, await raiseCounts(connection, tallies.values()));
}

/** Tallies whose queries have no numbers yet. */
function tallyAll(searches: readonly CountedSearch[]): ReadonlyMap<string, QueryTally> {
  const tallies = new Map<string, QueryTally>();
  for (const search of searches) tallySearch(tallies, search, () => 0);
  return tallies;
}

/** A number that no other commit has. Earlier versions used numbers from 1 on. */
function commitNumber({ positionId, revision }: CommitContext): number {
  return positionId * 2 ** 32 + revision;
}

async function addReaders(
  connection: MysqlConnection,
  tallies: ReadonlyMap<string, QueryTally>,
  commitNo: number,
): Promise<void> {
  const rows = readerRows(tallies, commitNo);
  const added = await insertReaders(connection, 'hourly_reader', rows);
  if (added === 0) return;
  const byNumber = new Map(Array.from(tallies.values(), (tally) => [tally.query, tally]));
  const count = (hour: number, query: number, more: number): void => {
    hourOf(byNumber.get(query)!, hour).readers += more;
  };
  if (added === rows.length) {
    for (const [hour, query] of rows) count(hour, query, 1);
    return;
  }
  const counted = await connection.rows(
    'SELECT hour, query, COUNT(*) AS readers FROM state.hourly_reader WHERE commit_no = ? GROUP BY hour, query',
    [commitNo],
  );
  for (const row of counted) count(Number(row['hour']), Number(row['query']), Number(row['readers']));
}

/** Each reader once for each query and hour. */
function readerRows(tallies: ReadonlyMap<string, QueryTally>, commitNo: number): readonly ReaderRow[] {
  const rows: ReaderRow[] = [];
  for (const { query, hours } of tallies.values()) {
    for (const { hour, named } of hours)
      for (const reader of new Set(named)) rows.push([hour, query, reader, commitNo]);
  }
  return rows;
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
  for (const [table, values] of rows) await connection.queueRows(upsert(table, 'mysql'), inKeyOrder(table, values));
  return counts;
}

/**
 * How many counts of each partition are kept for other instances. An instance that is further behind reads all counts
 * again.
 */
const keptCounts = 20_000;

/** Old counts are removed only in every `trimEvery`th commit of a partition, to save a statement in the others. */
const trimEvery = 16;

/** Which commits of which partitions an answer contains: the last revision by partition. */
export type Seen = ReadonlyMap<number, number>;

type JournaledCount = readonly [query: number, hour: number, readers: number, anonymous: number, searches: number];

/**
 * Records for the other instances what this commit has added, and removes old records. The last commit always stays.
 */
async function journalCommit(
  { connection, positionId, revision }: CommitContext,
  counts: readonly HourCount[],
): Promise<void> {
  const journaled = counts.map(({ query, hour, readers, anonymous, searches }): JournaledCount => [
    query,
    hour,
    readers,
    anonymous,
    searches,
  ]);
  connection.queue(
    `INSERT INTO state.commit (position_id, revision, counts, total)
     SELECT ?, ?, ?, COALESCE(MAX(total), 0) + ? FROM state.commit WHERE position_id = ?`,
    [positionId, revision, JSON.stringify(journaled), counts.length, positionId],
  );
  if (revision % trimEvery !== 0) return;
  const [row] = await connection.rows('SELECT MAX(total) AS total FROM state.commit WHERE position_id = ?', [
    positionId,
  ]);
  connection.queue('DELETE FROM state.commit WHERE position_id = ? AND total <= ? AND revision < ?', [
    positionId,
    Number(row?.['total']) - keptCounts,
    revision,
  ]);
}

/** Up to which commit everything is counted, as of the connection's snapshot. */
export async function readSeen(connection: MysqlConnection): Promise<Seen> {
  const rows = await connection.rows(
    'SELECT position_id, MAX(revision) AS revision FROM state.commit GROUP BY position_id',
  );
  return new Map(rows.map((row) => [Number(row['position_id']), Number(row['revision'])]));
}

/**
 * What was counted after the commits in `seen`.
 * @returns null when some of it has been forgotten.
 */
export async function readCountedSince(
  connection: MysqlConnection,
  seen: Seen,
): Promise<{ readonly seen: Seen; readonly counts: readonly HourCount[] } | null> {
  const known = [...seen];
  const later = known.map(() => '(position_id = ? AND revision > ?)');
  const others = known.length === 0 ? 'TRUE' : 'position_id NOT IN (?)';
  const rows = await connection.rows(
    `SELECT position_id, revision, counts FROM state.commit WHERE ${[...later, others].join(' OR ')}
     ORDER BY position_id, revision`,
    [...known.flat(), ...(known.length === 0 ? [] : [known.map(([positionId]) => positionId)])],
  );
  const now = new Map(seen);
  const counts: HourCount[] = [];
  for (const row of rows) {
    const [positionId, revision] = [Number(row['position_id']), Number(row['revision'])];
    if (revision !== (now.get(positionId) ?? 0) + 1) return null;
    now.set(positionId, revision);
    for (const count of JSON.parse(String(row['counts'])) as JournaledCount[]) {
      const [query, hour, readers, anonymous, searches] = count;
      counts.push({ query, hour, readers, anonymous, searches });
    }
  }
  return { seen: now, counts };
}
