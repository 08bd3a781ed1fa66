import type { MysqlConnection } from '../../../../mysql/connection.ts';
import type { CommitContext } from '../../../../progress/mysql/progress.ts';
import type { HourCount } from '../trend-store.ts';

/** How many counts of each partition are kept for those who follow; who is further behind reads all totals again. */
const keptCounts = 20_000;

/** Every so many commits of a partition, old ones are removed: that need not be a statement of each. */
const trimEvery = 16;

/** Which commits of which partitions an answer contains: the last revision by partition. */
export type Seen = ReadonlyMap<number, number>;

type JournaledCount = readonly [query: number, hour: number, readers: number, anonymous: number, searches: number];

/** Tells the other instances what this commit has added, and forgets what was told long ago; the last commit stays. */
export async function journalCommit(
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
  await connection.change(
    `INSERT INTO state.commit (position_id, revision, counts, total)
     SELECT ?, ?, ?, COALESCE(MAX(total), 0) + ? FROM state.commit WHERE position_id = ?`,
    [positionId, revision, JSON.stringify(journaled), counts.length, positionId],
  );
  if (revision % trimEvery !== 0) return;
  const [row] = await connection.rows('SELECT MAX(total) AS total FROM state.commit WHERE position_id = ?', [
    positionId,
  ]);
  await connection.change('DELETE FROM state.commit WHERE position_id = ? AND total <= ? AND revision < ?', [
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
 * What was counted after the commits of `seen`.
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
