import { SamsaError } from '../../errors.ts';
import type { LeaseRequest, PartitionName } from '../progress.ts';
import type { SqliteDatabase } from '../../sqlite/connection.ts';

/** One tick for one instance, inside the open transaction. @see Progress.lease */
export function leasePartitions(
  database: SqliteDatabase,
  request: LeaseRequest,
  nowMs: number,
): readonly PartitionName[] {
  const { projection, instance } = request;
  checkVersion(database, request);
  addPositions(database, request);
  database
    .prepare('INSERT INTO instance VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen_ms = excluded.seen_ms')
    .run(projection, instance, nowMs);
  database.prepare('DELETE FROM instance WHERE projection = ? AND seen_ms < ?').run(projection, nowMs - request.ttlMs);
  const known = instancesOf(database, projection);
  const gone = known.filter((one) => request.isGone?.(one));
  for (const one of gone) releasePartitions(database, projection, one);
  const partitions = count(database, 'SELECT count(*) AS n FROM position WHERE projection = ?', projection);
  const share = Math.ceil(partitions / (known.length - gone.length));
  const owned = () =>
    database
      .prepare('SELECT topic, partition FROM position WHERE projection = ? AND instance = ? ORDER BY topic, partition')
      .all(projection, instance)
      .map((row) => ({ topic: String(row['topic']), partition: Number(row['partition']) }));
  for (const partition of owned().slice(share)) giveBack(database, projection, partition);
  database
    .prepare('UPDATE position SET leased_until_ms = ? WHERE projection = ? AND instance = ?')
    .run(nowMs + request.ttlMs, projection, instance);
  claim(database, request, share - owned().length, nowMs);
  return owned();
}

/** Inside the open transaction. @see Progress.release */
export function releasePartitions(database: SqliteDatabase, projection: string, instance: string): void {
  database
    .prepare('UPDATE position SET instance = NULL WHERE projection = ? AND instance = ?')
    .run(projection, instance);
  database.prepare('DELETE FROM instance WHERE projection = ? AND instance = ?').run(projection, instance);
}

/** @throws SamsaError `state-too-new`, `state-outdated` when the stored state is of another fold. */
export function checkVersion(
  database: SqliteDatabase,
  { projection, version }: { readonly projection: string; readonly version: number },
): void {
  const stored = database.prepare('SELECT version FROM projection WHERE name = ?').get(projection)?.['version'];
  if (stored === version) return;
  if (stored === undefined) {
    database.prepare('INSERT INTO projection VALUES (?, ?)').run(projection, version);
    return;
  }
  const message = `${database.path}: expected the state of ${projection} version ${version}, found version ${String(stored)}.`;
  if (Number(stored) > version) {
    throw new SamsaError('state-too-new', `${message} A newer Samsa wrote it: run that version.`);
  }
  throw new SamsaError(
    'state-outdated',
    `${message} Stop the service and run samsa rebuild: it makes the state anew from the log.`,
  );
}

function addPositions(database: SqliteDatabase, request: LeaseRequest): void {
  const add = database.prepare(
    `INSERT INTO position (projection, topic, partition, topic_id, first, next, log_end) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET log_end = excluded.log_end WHERE excluded.log_end > log_end`,
  );
  for (const { topic, partition, topicId, start, end } of request.partitions) {
    add.run(request.projection, topic, partition, topicId, start, start, end);
  }
}

function instancesOf(database: SqliteDatabase, projection: string): readonly string[] {
  const rows = database.prepare('SELECT instance FROM instance WHERE projection = ?').all(projection);
  return rows.map((row) => String(row['instance']));
}

function giveBack(database: SqliteDatabase, projection: string, { topic, partition }: PartitionName): void {
  database
    .prepare('UPDATE position SET instance = NULL WHERE projection = ? AND topic = ? AND partition = ?')
    .run(projection, topic, partition);
}

function claim(database: SqliteDatabase, request: LeaseRequest, most: number, nowMs: number): void {
  if (most <= 0) return;
  database
    .prepare(
      `UPDATE position SET instance = ?, leased_until_ms = ? WHERE projection = ? AND (topic, partition) IN (
         SELECT topic, partition FROM position
         WHERE projection = ? AND (instance IS NULL OR leased_until_ms < ?) ORDER BY topic, partition LIMIT ?)`,
    )
    .run(request.instance, nowMs + request.ttlMs, request.projection, request.projection, nowMs, most);
}

function count(database: SqliteDatabase, sql: string, projection: string): number {
  return Number(database.prepare(sql).get(projection)?.['n']);
}
