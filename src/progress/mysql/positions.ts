import { hash } from 'node:crypto';
import type { MysqlConnection } from '../../mysql/connection.ts';
import type { ProgressCommit, Settlement } from '../progress.ts';

export const atPartition = 'projection = ? AND topic = ? AND partition_no = ?';

/** Without a lock: a lease that is lost right afterwards costs nothing, whoever commits second is refused. */
export async function leasedPosition<Change>(
  connection: MysqlConnection,
  { projection, topic, partition, instance }: ProgressCommit<Change>,
): Promise<number | null> {
  const [row] = await connection.rows(
    `SELECT id FROM state.position JOIN state.lease ON position_id = id
     WHERE ${atPartition} AND instance = ?`,
    [projection, topic, partition, instance],
  );
  return row === undefined ? null : Number(row['id']);
}

export async function advance<Change>(
  connection: MysqlConnection,
  commit: ProgressCommit<Change>,
  positionId: number,
): Promise<boolean> {
  const { outcomes } = commit;
  const changed = await connection.change(
    `UPDATE state.position SET next_offset = ?, log_end = GREATEST(log_end, ?), arrived_ms = ?,
       fingerprint = COALESCE(?, fingerprint), applied = applied + ?, duplicate = duplicate + ?, dead = dead + ?,
       late = late + ?, gap = gap + ?, compacted = compacted + ?, revision = revision + 1
     WHERE id = ? AND next_offset = ?`,
    [
      commit.next,
      commit.end,
      commit.arrivedMs,
      commit.fingerprint,
      outcomes.applied,
      outcomes.duplicate,
      outcomes.dead,
      outcomes.late,
      outcomes.gap,
      outcomes.compacted,
      positionId,
      commit.expected,
    ],
  );
  return changed === 1;
}

export async function keepMarks<Change>(
  connection: MysqlConnection,
  { marks, arrivedMs }: ProgressCommit<Change>,
  positionId: number,
): Promise<void> {
  await connection.insert(
    `INSERT INTO state.mark (position_id, source_hash, source, last_sequence, arrived_ms) VALUES ?
     ON DUPLICATE KEY UPDATE last_sequence = VALUES(last_sequence), arrived_ms = VALUES(arrived_ms)`,
    Array.from(marks, ([source, sequence]) => [
      positionId,
      hash('sha256', source, 'buffer'),
      source,
      sequence,
      arrivedMs,
    ]),
  );
}

/**
 * The partition's revision and the watermark: the least arrival stamp among partitions with unread records; with none
 * unread, the greatest one seen.
 */
export async function readRevision(
  connection: MysqlConnection,
  projection: string,
  positionId: number,
): Promise<{ revision: number; watermarkMs: number }> {
  const [row] = await connection.rows(
    `SELECT MAX(CASE WHEN id = ? THEN revision END) AS revision,
       COALESCE(MIN(CASE WHEN next_offset < GREATEST(log_end, seen_end) THEN arrived_ms END), MAX(arrived_ms), 0) AS ms
     FROM state.position JOIN state.lease ON position_id = id WHERE projection = ?`,
    [positionId, projection],
  );
  return { revision: Number(row?.['revision']), watermarkMs: Number(row?.['ms']) };
}

/** The ledger stays balanced: the record is still accounted for once. */
export async function moveOutOfDead<Change>(
  connection: MysqlConnection,
  { projection, topic, partition }: Settlement<Change>,
  outcome: 'applied' | 'late',
): Promise<number> {
  const applied = outcome === 'applied' ? 1 : 0;
  await connection.change(
    `UPDATE state.position SET dead = dead - 1, ${outcome} = ${outcome} + 1, revision = revision + ?
     WHERE ${atPartition}`,
    [applied, projection, topic, partition],
  );
  const [row] = await connection.rows(`SELECT id FROM state.position WHERE ${atPartition}`, [
    projection,
    topic,
    partition,
  ]);
  return Number(row?.['id']);
}

/** @see decodePosition */
export const selectPosition = `SELECT id, projection, topic, partition_no AS \`partition\`, topic_id, first_offset AS \`first\`,
    next_offset AS \`next\`, arrived_ms, fingerprint, GREATEST(log_end, COALESCE(seen_end, 0)) AS log_end,
    applied, duplicate, dead, late, gap, compacted, instance
  FROM state.position LEFT JOIN state.lease ON position_id = id`;
