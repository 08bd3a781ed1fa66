import type { PartitionName, ProgressCommit } from '../progress.ts';
import type { SqliteDatabase } from '../../sqlite/connection.ts';

/** @returns false when the position is not where the commit expects it, or is leased to another instance. */
export function advance<Change>(database: SqliteDatabase, commit: ProgressCommit<Change>): boolean {
  const { outcomes } = commit;
  const { changes } = database
    .prepare(
      `UPDATE position SET next = ?, log_end = max(log_end, ?), arrived_ms = ?, fingerprint = coalesce(?, fingerprint),
         applied = applied + ?, duplicate = duplicate + ?, dead = dead + ?, late = late + ?, gap = gap + ?,
         compacted = compacted + ?
       WHERE projection = ? AND topic = ? AND partition = ? AND next = ? AND instance = ?`,
    )
    .run(
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
      commit.projection,
      commit.topic,
      commit.partition,
      commit.expected,
      commit.instance,
    );
  return Number(changes) === 1;
}

/** The ledger stays balanced: the record is still accounted for once. */
export function moveOutOfDead(
  database: SqliteDatabase,
  { projection, topic, partition }: PartitionName & { readonly projection: string },
  outcome: 'applied' | 'late',
): void {
  database
    .prepare(
      `UPDATE position SET dead = dead - 1, ${outcome} = ${outcome} + 1
       WHERE projection = ? AND topic = ? AND partition = ?`,
    )
    .run(projection, topic, partition);
}

export function keepMarks<Change>(database: SqliteDatabase, commit: ProgressCommit<Change>): void {
  const keep = database.prepare(
    `INSERT INTO producer_mark VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET sequence = excluded.sequence, arrived_ms = excluded.arrived_ms`,
  );
  for (const [source, sequence] of commit.marks) {
    keep.run(commit.projection, commit.topic, commit.partition, source, sequence, commit.arrivedMs);
  }
}

/** The least arrival stamp among partitions with unread records; with none unread, the greatest one seen. */
export function watermark(database: SqliteDatabase, projection: string): number {
  const row = database
    .prepare(
      `SELECT coalesce(min(CASE WHEN next < log_end THEN arrived_ms END), max(arrived_ms), 0) AS ms
       FROM position WHERE projection = ?`,
    )
    .get(projection);
  return Number(row?.['ms'] ?? 0);
}

/** @see decodePosition */
export const selectPosition = `SELECT projection, topic, partition, topic_id, first, next, log_end, arrived_ms, fingerprint,
  applied, duplicate, dead, late, gap, compacted, instance FROM position`;
