import { existsSync } from 'node:fs';
import { tombstoneRetentionMs } from '../../events/topics.ts';
import { pause } from '../../runtime/waiting.ts';
import { openSqlite, type SqliteDatabase } from '../../sqlite/connection.ts';
import { logMigrations, recordTable } from './topics.ts';

/**
 * Removes from the log at `path`, if there is one, what its topics need no longer keep. The checkpoint thread starts it
 * every minute (`logChores`). When the signal fires, it stops after the current transaction; the next run continues
 * there.
 */
export default async function tidyLog(path: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(path)) return;
  const database = openSqlite(path, {
    migrations: logMigrations,
    busyTimeoutMs: 1_000,
    checkpointedElsewhere: true,
    cacheKiB: 1_024,
  });
  try {
    const nowMs = Date.now();
    await expireRecords(database, nowMs, signal);
    await compactRecords(database, nowMs, signal);
  } finally {
    database.close();
  }
}

/** How many records are removed in one transaction. */
const expiredRecords = 1_000;

/**
 * Removes the records that are older at `nowMs` than their topics keep them, and moves the starts of their partitions.
 * In each partition it stops at the first record that is young enough. Ends and offsets do not change.
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
    .prepare(`SELECT log_offset, arrived_ms FROM ${table} ORDER BY log_offset LIMIT ${expiredRecords}`)
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

/** How many records, and how many bytes of their keys, are looked at in one transaction. */
const lookedRecords = 200;
const batchKeyBytes = 1 << 20;
/** Younger records are not compacted yet: a key that changes often is looked at less often. */
const untouchedMs = 5 * 60_000;

/**
 * Keeps only the last record of each key in compacted topics. The table `latest` holds the last record of each key so
 * far, so that each record is looked at once and keys take no memory. A tombstone stays for 30 days after it was looked
 * at: a reader that needs less than that for the whole topic misses no removal. Offsets and the ends of
 * partitions do not change; records without a key stay.
 * @returns how many records were looked at.
 * @throws SamsaError `store-unavailable` (retryable) after whole batches.
 */
export async function compactRecords(database: SqliteDatabase, nowMs: number, signal: AbortSignal): Promise<number> {
  const partitions = database
    .prepare('SELECT number FROM topic JOIN partition ON topic_id = id WHERE compacted = 1')
    .all();
  let looked = 0;
  for (const { number } of partitions) {
    looked += await inBatches(() => compactBatch(database, Number(number), nowMs), signal);
  }
  return looked + (await inBatches(() => removeTombstones(database, nowMs - tombstoneRetentionMs), signal));
}

type Looked = { readonly offset: number; readonly key: Uint8Array | null; readonly isTombstone: boolean };

function compactBatch(database: SqliteDatabase, partitionNumber: number, nowMs: number): number {
  const compactedTo = Number(
    database.prepare('SELECT compacted_to FROM partition WHERE number = ?').get(partitionNumber)?.['compacted_to'],
  );
  const batch = readBatch(database, partitionNumber, compactedTo, nowMs - untouchedMs);
  const last = batch.at(-1);
  if (last === undefined) return 0;
  return database.transaction(() => {
    const { changes } = database
      .prepare('UPDATE partition SET compacted_to = ? WHERE number = ? AND compacted_to = ?')
      .run(last.offset + 1, partitionNumber, compactedTo);
    // Another process was faster.
    if (Number(changes) === 0) return batch.length;
    for (const record of batch) takeAsLatest(database, partitionNumber, record, nowMs);
    return batch.length;
  });
}

function readBatch(
  database: SqliteDatabase,
  partitionNumber: number,
  from: number,
  youngMs: number,
): readonly Looked[] {
  const rows = database
    .prepare(
      `SELECT log_offset, arrived_ms, key, value IS NULL AS is_tombstone FROM ${recordTable(partitionNumber)}
       WHERE log_offset >= ? ORDER BY log_offset LIMIT ${lookedRecords}`,
    )
    .iterate(from);
  const batch: Looked[] = [];
  let keyBytes = 0;
  for (const row of rows) {
    const key = row['key'] as Uint8Array | null;
    if (Number(row['arrived_ms']) >= youngMs || keyBytes >= batchKeyBytes) break;
    keyBytes += key?.byteLength ?? 0;
    batch.push({ offset: Number(row['log_offset']), key, isTombstone: row['is_tombstone'] === 1 });
  }
  return batch;
}

function takeAsLatest(
  database: SqliteDatabase,
  partitionNumber: number,
  { offset, key, isTombstone }: Looked,
  nowMs: number,
): void {
  if (key === null) return;
  const former = database
    .prepare('SELECT log_offset FROM latest WHERE number = ? AND key = ?')
    .get(partitionNumber, key);
  if (former !== undefined) removeRecord(database, partitionNumber, Number(former['log_offset']));
  database
    .prepare(
      `INSERT INTO latest VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET log_offset = excluded.log_offset, removed_ms = excluded.removed_ms`,
    )
    .run(partitionNumber, key, offset, isTombstone ? nowMs : null);
}

function removeRecord(database: SqliteDatabase, partitionNumber: number, offset: number): void {
  database.prepare(`DELETE FROM ${recordTable(partitionNumber)} WHERE log_offset = ?`).run(offset);
}

function removeTombstones(database: SqliteDatabase, beforeMs: number): number {
  const old = database
    .prepare(`SELECT number, key, log_offset FROM latest WHERE removed_ms < ? LIMIT ${lookedRecords}`)
    .all(beforeMs);
  if (old.length === 0) return 0;
  return database.transaction(() => {
    for (const { number, key, log_offset: offset } of old) {
      removeRecord(database, Number(number), Number(offset));
      database
        .prepare('DELETE FROM latest WHERE number = ? AND key = ? AND log_offset = ?')
        .run(Number(number), key as Uint8Array, Number(offset));
    }
    return old.length;
  });
}

const pauseMs = 10;

/**
 * Repeats a short transaction until it finds nothing to do or the signal fires, and lets others write in between.
 * @param piece one transaction. @returns how much it has done.
 * @returns how much all of them have done.
 */
async function inBatches(piece: () => number, signal: AbortSignal): Promise<number> {
  let done = 0;
  while (!signal.aborted) {
    const did = piece();
    if (did === 0) break;
    done += did;
    await pause(pauseMs, signal);
  }
  return done;
}
