import { SamsaError } from '../errors.ts';
import { change, columnText, rows, write, type MergedTable, type Steps } from '../sql/statements.ts';
import type { LeaseRequest, PartitionName } from './progress.ts';

const projectionTable: MergedTable = { name: 'projection', key: ['name'], columns: { version: 'kept' } };
const instanceTable: MergedTable = { name: 'instance', key: ['projection', 'instance'], columns: { seen_ms: 'set' } };
const positionTable: MergedTable = {
  name: 'position',
  key: ['projection', 'topic', 'partition_no'],
  columns: { topic_id: 'kept', first_offset: 'kept', next_offset: 'kept', log_end: 'kept' },
};
/** Leases have a table apart from positions: on a server, renewing one must not wait for a commit. */
const leaseTable: MergedTable = {
  name: 'lease',
  key: ['position_id'],
  columns: { instance: 'set', leased_until_ms: 'set', seen_end: 'max' },
};

type Tick = { readonly before: readonly Lease[]; readonly after: readonly Lease[] };

/** Runs one tick of one instance. The caller opens a transaction and lets no other instance in. @see Progress.lease */
export function* tick(stateName: string, request: LeaseRequest, nowMs: number): Steps<Tick> {
  const { projection, instance, ttlMs } = request;
  yield* checkVersion(stateName, request);
  const instances = yield* refreshInstances(request, nowMs);
  const before = yield* addPartitions(request, yield* readLeases(projection));
  const ends = new Map(request.partitions.map((partition) => [nameOf(partition), partition.end]));
  const after = shareLeases(before, { instance, instances, nowMs, ttlMs }).map((lease) => {
    const seenEnd = Math.max(lease.seenEnd, ends.get(nameOf(lease)) ?? 0);
    return { ...lease, seenEnd };
  });
  const changed = after.filter((lease, index) => !isNearly(lease, before[index]!, ttlMs));
  if (changed.length > 0) {
    yield* write(
      leaseTable,
      changed.map(({ positionId, instance: owner, untilMs, seenEnd }) => [positionId, owner, untilMs, seenEnd]),
    );
  }
  return { before, after };
}

/**
 * Times in the database are renewed when they are older than this part of `ttlMs`. Otherwise the ticks of an idle shop
 * would write all the time.
 */
const renewedAfter = 1 / 4;

function isRecent(ms: number, nowMs: number, ttlMs: number): boolean {
  return ms <= nowMs && nowMs - ms < ttlMs * renewedAfter;
}

function isNearly(lease: Lease, stored: Lease, ttlMs: number): boolean {
  const isSame = lease.instance === stored.instance && lease.seenEnd === stored.seenEnd;
  return isSame && (lease.untilMs === stored.untilMs || isRecent(stored.untilMs, lease.untilMs, ttlMs));
}

/** The partitions that an instance holds after a tick. */
export function leasedTo(instance: string, { after }: Tick): readonly PartitionName[] {
  const own = after.filter((lease) => lease.instance === instance);
  return own.map(({ topic, partition }) => ({ topic, partition }));
}

/** In a transaction. @see Progress.release */
export function* release(projection: string, instance: string): Steps<void> {
  yield* change(
    `UPDATE state.lease SET instance = NULL WHERE instance = ? AND position_id IN
       (SELECT id FROM state.position WHERE projection = ?)`,
    [instance, projection],
  );
  yield* change('DELETE FROM state.instance WHERE projection = ? AND instance = ?', [projection, instance]);
}

/**
 * @param stateName for messages.
 * @throws SamsaError `state-too-new`, `state-outdated` when the stored state has another version.
 */
export function* checkVersion(
  stateName: string,
  { projection, version }: { readonly projection: string; readonly version: number },
): Steps<void> {
  const [row] = yield* rows('SELECT version FROM state.projection WHERE name = ?', [projection]);
  if (row === undefined) return yield* write(projectionTable, [[projection, version]]);
  const stored = Number(row['version']);
  if (stored === version) return;
  const message = `${stateName}: expected the state of ${projection} version ${version}, found version ${stored}.`;
  if (stored > version) {
    throw new SamsaError('state-too-new', `${message} A newer Samsa wrote it: run that version.`);
  }
  throw new SamsaError(
    'state-outdated',
    `${message} Stop the service and run samsa rebuild, which makes the state again from the log.`,
  );
}

/** Records that this instance is alive, and forgets instances that are not. @returns the living ones. */
function* refreshInstances(
  { projection, instance, ttlMs, isGone }: LeaseRequest,
  nowMs: number,
): Steps<readonly string[]> {
  const found = yield* rows('SELECT instance, seen_ms FROM state.instance WHERE projection = ?', [projection]);
  const living = [instance];
  let isKnown = false;
  for (const row of found) {
    const name = columnText(row['instance'])!;
    const seenMs = Number(row['seen_ms']);
    if (name === instance) isKnown = isRecent(seenMs, nowMs, ttlMs);
    else if (Math.abs(nowMs - seenMs) <= ttlMs && isGone?.(name) !== true) living.push(name);
    else yield* change('DELETE FROM state.instance WHERE projection = ? AND instance = ?', [projection, name]);
  }
  if (!isKnown) yield* write(instanceTable, [[projection, instance, nowMs]]);
  return living;
}

function* addPartitions({ projection, partitions }: LeaseRequest, known: readonly Lease[]): Steps<readonly Lease[]> {
  const names = new Set(known.map(nameOf));
  const added = partitions.filter((partition) => !names.has(nameOf(partition)));
  if (added.length === 0) return known;
  yield* write(
    positionTable,
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
  return yield* readLeases(projection);
}

function* readLeases(projection: string): Steps<readonly Lease[]> {
  const found = yield* rows(
    `SELECT id, topic, partition_no, instance, COALESCE(leased_until_ms, 0) AS until_ms, COALESCE(seen_end, 0) AS seen_end
     FROM state.position LEFT JOIN state.lease ON position_id = id
     WHERE projection = ? ORDER BY topic, partition_no`,
    [projection],
  );
  return found.map((row) => ({
    positionId: Number(row['id']),
    topic: columnText(row['topic'])!,
    partition: Number(row['partition_no']),
    instance: columnText(row['instance']),
    untilMs: Number(row['until_ms']),
    seenEnd: Number(row['seen_end']),
  }));
}

function nameOf({ topic, partition }: PartitionName): string {
  return `${topic}/${partition}`;
}

type Lease = PartitionName & {
  readonly positionId: number;
  readonly instance: string | null;
  readonly untilMs: number;
  readonly seenEnd: number;
};

/**
 * Renews this instance's leases up to its fair share, gives back those above it, and claims free ones below it. A lease
 * is free when it has expired or its owner is not among the `instances`, which include this one. A lease that ends
 * later than one taken now has expired too: the clock was set back.
 */
function shareLeases(
  leases: readonly Lease[],
  {
    instance,
    instances,
    nowMs,
    ttlMs,
  }: { instance: string; instances: readonly string[]; nowMs: number; ttlMs: number },
): readonly Lease[] {
  const share = Math.ceil(leases.length / instances.length);
  let kept = 0;
  const renewed = leases.map((lease) => {
    if (lease.instance !== instance) return lease;
    return kept++ < share ? { ...lease, untilMs: nowMs + ttlMs } : { ...lease, instance: null };
  });
  let wanted = share - kept;
  return renewed.map((lease) => {
    const isValid = lease.untilMs >= nowMs && lease.untilMs <= nowMs + ttlMs;
    const isFree = lease.instance === null || !isValid || !instances.includes(lease.instance);
    return isFree && wanted-- > 0 ? { ...lease, instance, untilMs: nowMs + ttlMs } : lease;
  });
}
