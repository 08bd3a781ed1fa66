import type { SqliteDatabase } from '../../sqlite/connection.ts';
import { inBatches } from './in-batches.ts';
import { recordTable } from './topics.ts';

/** So much is removed in one transaction. */
const batchRecords = 1_000;

/**
 * Removes the records that their topics need no longer keep at `nowMs`, oldest first, and moves the starts of their
 * partitions. In each partition it stops at the first record young enough. Ends and offsets stay what they were.
 * @returns how many records were removed.
 * @throws SamsaError `store-unavailable` (retryable) after whole batches.
 */
export async function expireRecords(database: SqliteDatabase, nowMs: number, signal: AbortSignal): Promise<number> {
  const partitions = database
    .prepare('SELECT number, retention_ms FROM topic JOIN partition ON topic_id = id WHERE retention_ms > 0')
    .all();
  let removed = 0;
  for (const { number, retention_ms: retentionMs } of partitions) {
    removed += await inBatches(() => expireBatch(database, Number(number), nowMs - Number(retentionMs)), signal);
  }
  return removed;
}

function expireBatch(database: SqliteDatabase, partitionNumber: number, beforeMs: number): number {
  const table = recordTable(partitionNumber);
  const oldest = database
    .prepare(`SELECT log_offset, arrived_ms FROM ${table} ORDER BY log_offset LIMIT ${batchRecords}`)
    .all();
  const young = oldest.findIndex((record) => Number(record['arrived_ms']) >= beforeMs);
  const expired = young === -1 ? oldest : oldest.slice(0, young);
  const last = expired.at(-1);
  if (last === undefined) return 0;
  const start = Number(last['log_offset']) + 1;
  return database.transaction(() => {
    database
      .prepare('UPDATE partition SET start_offset = max(start_offset, ?) WHERE number = ?')
      .run(start, partitionNumber);
    const { changes } = database.prepare(`DELETE FROM ${table} WHERE log_offset < ?`).run(start);
    return Number(changes);
  });
}
