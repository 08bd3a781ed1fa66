import { SamsaError } from '../../errors.ts';
import { columnText, type MysqlConnection } from '../../mysql/connection.ts';
import type { MysqlDatabase } from '../../mysql/pool.ts';
import { endHolder, lockName, oneAtATime } from '../../mysql/locks.ts';
import { inTransaction } from '../../mysql/transaction.ts';
import type { LeaseRequest, PartitionName } from '../progress.ts';
import { shareLeases, type Lease } from '../fair-share.ts';

/** Milliseconds since 1970 by the clock all instances share. */
export type DatabaseClock = (connection: MysqlConnection) => Promise<number>;

export const databaseClock: DatabaseClock = async (connection) => {
  const [row] = await connection.rows('SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS ms');
  return Number(row?.['ms']);
};

/**
 * The lock an instance holds on the connection it commits on. Who claims an expired lease ends whoever holds the former
 * owner's: that one may be frozen in the middle of a commit, with rows others wait for.
 */
export function instanceLock(lockScope: string, instance: string): string {
  return lockName(lockScope, 'instance', instance);
}

/** One tick for one instance. @see Progress.lease */
export async function leasePartitions(
  database: MysqlDatabase,
  clock: DatabaseClock,
  request: LeaseRequest,
): Promise<readonly PartitionName[]> {
  return leasesOf(database, request.projection, request.ttlMs, async (connection) => {
    const { before, after } = await inTransaction(connection, 'write', () =>
      tick(connection, clock, database, request),
    );
    const formerOwners = before.filter((lease, index) => lease.instance !== after[index]!.instance);
    for (const owner of new Set(formerOwners.map(({ instance }) => instance))) {
      if (owner !== null && owner !== request.instance)
        await endHolder(connection, instanceLock(database.lockScope, owner));
    }
    return after
      .filter(({ instance }) => instance === request.instance)
      .map(({ topic, partition }) => ({ topic, partition }));
  });
}

/** @see Progress.release */
export async function releasePartitions(database: MysqlDatabase, projection: string, instance: string): Promise<void> {
  await leasesOf(database, projection, 2_000, (connection) =>
    inTransaction(connection, 'write', async () => {
      await connection.change(
        `UPDATE state.lease SET instance = NULL WHERE instance = ? AND position_id IN
           (SELECT id FROM state.position WHERE projection = ?)`,
        [instance, projection],
      );
      await connection.change('DELETE FROM state.instance WHERE projection = ? AND instance = ?', [
        projection,
        instance,
      ]);
    }),
  );
}

/** The lock under which the leases of a projection are changed. */
export function leasesLock(lockScope: string, projection: string): string {
  return lockName(lockScope, 'leases', projection);
}

/** A tick takes milliseconds; who holds the others up for longer than a lease lasts is frozen, and loses its connection. */
async function leasesOf<Result>(
  database: MysqlDatabase,
  projection: string,
  ttlMs: number,
  body: (connection: MysqlConnection) => Promise<Result>,
): Promise<Result> {
  const lock = leasesLock(database.lockScope, projection);
  const waitSeconds = Math.min(5, Math.ceil(ttlMs / 1_000));
  const what = `${database.name}: the leases of ${projection} are`;
  return database.connected((connection) =>
    oneAtATime(connection, { lock, waitSeconds, what }, () => body(connection)),
  );
}

async function tick(
  connection: MysqlConnection,
  clock: DatabaseClock,
  database: MysqlDatabase,
  request: LeaseRequest,
): Promise<{ before: readonly Lease[]; after: readonly Lease[] }> {
  const { projection, instance, ttlMs } = request;
  const nowMs = await clock(connection);
  await checkVersion(connection, database.name, request);
  await connection.change(
    'INSERT INTO state.instance VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE seen_ms = VALUES(seen_ms)',
    [projection, instance, nowMs],
  );
  await connection.change('DELETE FROM state.instance WHERE projection = ? AND seen_ms < ?', [
    projection,
    nowMs - ttlMs,
  ]);
  const instances = await forgetGone(connection, request);
  const before = await addPartitions(connection, request, await readLeases(connection, projection));
  const shared = shareLeases(before, { instance, instances, nowMs, ttlMs });
  const ends = new Map(request.partitions.map(({ topic, partition, end }) => [`${topic}/${partition}`, end]));
  const after = shared.map((lease) => ({
    ...lease,
    seenEnd: Math.max(lease.seenEnd, ends.get(`${lease.topic}/${lease.partition}`) ?? 0),
  }));
  await connection.insert(
    `INSERT INTO state.lease (position_id, instance, leased_until_ms, seen_end) VALUES ? ON DUPLICATE KEY UPDATE
       instance = VALUES(instance), leased_until_ms = VALUES(leased_until_ms), seen_end = VALUES(seen_end)`,
    after.map((lease) => [lease.positionId, lease.instance, lease.untilMs, lease.seenEnd]),
  );
  return { before, after };
}

/** @returns those that are left. */
async function forgetGone(
  connection: MysqlConnection,
  { projection, isGone }: LeaseRequest,
): Promise<readonly string[]> {
  const rows = await connection.rows('SELECT instance FROM state.instance WHERE projection = ?', [projection]);
  const known = rows.map((row) => String(row['instance']));
  const gone = known.filter((one) => isGone?.(one));
  for (const one of gone) {
    await connection.change('DELETE FROM state.instance WHERE projection = ? AND instance = ?', [projection, one]);
  }
  return known.filter((one) => !gone.includes(one));
}

/** Partitions seen for the first time start at their first offset. */
async function addPartitions(
  connection: MysqlConnection,
  { projection, partitions }: LeaseRequest,
  known: readonly Lease[],
): Promise<readonly Lease[]> {
  const names = new Set(known.map(({ topic, partition }) => `${topic}/${partition}`));
  const added = partitions.filter(({ topic, partition }) => !names.has(`${topic}/${partition}`));
  if (added.length === 0) return known;
  await connection.insert(
    `INSERT INTO state.position (projection, topic, partition_no, topic_id, first_offset, next_offset, log_end)
     VALUES ?`,
    added.map(({ topic, partition, topicId, start, end }) => [
      projection,
      topic,
      partition,
      topicId,
      start,
      start,
      end,
    ]),
  );
  return readLeases(connection, projection);
}

async function readLeases(connection: MysqlConnection, projection: string): Promise<readonly Lease[]> {
  const rows = await connection.rows(
    `SELECT id, topic, partition_no, instance, COALESCE(leased_until_ms, 0) AS until_ms, COALESCE(seen_end, 0) AS seen_end
     FROM state.position LEFT JOIN state.lease ON position_id = id
     WHERE projection = ? ORDER BY topic, partition_no`,
    [projection],
  );
  return rows.map((row) => ({
    positionId: Number(row['id']),
    topic: String(row['topic']),
    partition: Number(row['partition_no']),
    instance: columnText(row['instance']),
    untilMs: Number(row['until_ms']),
    seenEnd: Number(row['seen_end']),
  }));
}

/** @throws SamsaError `state-too-new`, `state-outdated` when the stored state is of another fold. */
export async function checkVersion(
  connection: MysqlConnection,
  name: string,
  { projection, version }: { readonly projection: string; readonly version: number },
): Promise<void> {
  const [row] = await connection.rows('SELECT version FROM state.projection WHERE name = ?', [projection]);
  if (row === undefined) {
    await connection.change('INSERT IGNORE INTO state.projection VALUES (?, ?)', [projection, version]);
    return;
  }
  const stored = Number(row['version']);
  if (stored === version) return;
  const message = `${name}: expected the state of ${projection} version ${version}, found version ${stored}.`;
  if (stored > version) {
    throw new SamsaError('state-too-new', `${message} A newer Samsa wrote it: run that version.`);
  }
  throw new SamsaError(
    'state-outdated',
    `${message} Stop the service and run samsa rebuild: it makes the state anew from the log.`,
  );
}
