import { hash } from 'node:crypto';
import { SamsaError } from '../errors.ts';
import { change, columnText, rows, write, type MergedTable, type SqlRow, type Steps } from '../sql/statements.ts';
import { dayMs } from '../runtime/time.ts';
import { keepDeadLetters, readDiscardedOffsets } from './dead-letter-rows.ts';
import type { PartitionName, PartitionPosition, ProgressCommit, StartingPoint } from './progress.ts';

/** A source is any text that a producer wrote into its header, of any length, so it is found by its hash. */
const markTable: MergedTable = {
  name: 'mark',
  key: ['position_id', 'source_hash'],
  columns: { source: 'kept', last_sequence: 'max', arrived_ms: 'max' },
};

/**
 * How long marks are kept: longer than any topic with marks keeps its records. A repeat that comes later is read as a
 * new record.
 */
const markLifeMs = 400 * dayMs;

const atPartition = 'projection = ? AND topic = ? AND partition_no = ?';

/** Where a commit has brought a partition, for the state that is written in the same transaction. */
export type CommitPoint = {
  readonly projection: string;
  /** The store's number for the partition; it means nothing elsewhere. */
  readonly positionId: number;
  /** How many times changes were applied to this partition, this time included: 1, 2, 3 … without a gap. */
  readonly revision: number;
  /** @see ApplyChanges */
  readonly watermarkMs: number;
};

/**
 * Everything of a commit except the state, in its transaction. Other partitions, the lease and the revision are read
 * without a lock. So two owners may both get here: the check of the offset lets only one of them commit. If a dead
 * letter is redriven meanwhile, the check of the revision refuses this commit.
 * @returns null when the position is not where the commit expects it, or is leased to another instance.
 */
export function* advance<Change>(commit: ProgressCommit<Change>): Steps<CommitPoint | null> {
  const { projection, topic, partition, next, end, outcomes, arrivedMs } = commit;
  const positions = yield* readAll(projection);
  const at = positions.find(isAt(topic, partition));
  if (at === undefined || columnText(at['instance']) !== commit.instance) return null;
  const [positionId, revision] = [Number(at['id']), Number(at['revision'])];
  const { applied, duplicate, dead, late, gap, compacted } = outcomes;
  const counts = [applied, duplicate, dead, late, gap, compacted];
  const moved = yield* change(
    `UPDATE state.position SET next_offset = ?, log_end = CASE WHEN log_end > ? THEN log_end ELSE ? END, arrived_ms = ?,
       fingerprint = COALESCE(?, fingerprint), applied = applied + ?, duplicate = duplicate + ?, dead = dead + ?,
       late = late + ?, gap = gap + ?, compacted = compacted + ?, revision = revision + 1
     WHERE id = ? AND next_offset = ? AND revision = ?`,
    [next, end, end, arrivedMs, commit.fingerprint, ...counts, positionId, commit.expected, revision],
  );
  if (moved !== 1) return null;
  yield* write(
    markTable,
    Array.from(commit.marks, ([source, sequence]) => {
      return [positionId, hash('sha256', source, 'buffer'), source, sequence, arrivedMs];
    }),
  );
  if (Math.floor(Number(at['arrived_ms']) / dayMs) < Math.floor(arrivedMs / dayMs)) {
    yield* change('DELETE FROM state.mark WHERE position_id = ? AND arrived_ms < ?', [
      positionId,
      arrivedMs - markLifeMs,
    ]);
  }
  if (commit.deadLetters.length > 0) {
    const letters = commit.deadLetters.map((letter) => ({ ...letter, projection, topic, partition }));
    yield* keepDeadLetters(letters, 'waiting', null);
  }
  const nowAt = { ...at, next_offset: next, log_end: Math.max(end, Number(at['log_end'])), arrived_ms: arrivedMs };
  const watermarkMs = watermarkOf(positions.map((row) => (row === at ? nowAt : row)));
  return { projection, positionId, revision: revision + 1, watermarkMs };
}

/**
 * The watermark is the least arrival stamp among partitions with unread records, or the greatest one seen when nothing
 * is unread.
 */
function watermarkOf(positions: readonly SqlRow[]): number {
  const arrived = (of: readonly SqlRow[]): readonly number[] => of.map((row) => Number(row['arrived_ms']));
  const unread = positions.filter(
    (row) =>
      Number(row['next_offset']) < Number(row['log_end']) || Number(row['next_offset']) < Number(row['seen_end'] ?? 0),
  );
  return unread.length > 0 ? Math.min(...arrived(unread)) : Math.max(0, ...arrived(positions));
}

/** A redriven letter leaves `dead`, so that the ledger accounts for its record once. */
export function* moveOutOfDead(
  { projection, topic, partition }: PartitionName & { readonly projection: string },
  outcome: 'applied' | 'late',
): Steps<CommitPoint> {
  yield* change(
    `UPDATE state.position SET dead = dead - 1, ${outcome} = ${outcome} + 1, revision = revision + ?
     WHERE ${atPartition}`,
    [outcome === 'applied' ? 1 : 0, projection, topic, partition],
  );
  const positions = yield* readAll(projection);
  const at = positions.find(isAt(topic, partition))!;
  const [positionId, revision] = [Number(at['id']), Number(at['revision'])];
  return { projection, positionId, revision, watermarkMs: watermarkOf(positions) };
}

function readAll(projection: string): Steps<readonly SqlRow[]> {
  return rows(
    `SELECT id, topic, partition_no, revision, next_offset, log_end, seen_end, arrived_ms, instance
     FROM state.position LEFT JOIN state.lease ON position_id = id WHERE projection = ?`,
    [projection],
  );
}

function isAt(topic: string, partition: number): (row: SqlRow) => boolean {
  return (row) => Number(row['partition_no']) === partition && columnText(row['topic']) === topic;
}

/** @param stateName for messages. @see Progress.load */
export function* loadPosition(
  stateName: string,
  projection: string,
  { topic, partition }: PartitionName,
): Steps<StartingPoint> {
  const [row] = yield* rows(`${selectPosition} WHERE ${atPartition}`, [projection, topic, partition]);
  if (row === undefined) {
    throw new SamsaError('store-unavailable', `${stateName}: no position of ${projection} in ${topic}/${partition}`);
  }
  const position = decodePosition(row);
  const marks = yield* rows('SELECT source, last_sequence FROM state.mark WHERE position_id = ? AND arrived_ms >= ?', [
    Number(row['id']),
    position.arrivedMs - markLifeMs,
  ]);
  return {
    ...position,
    marks: new Map(marks.map((mark) => [columnText(mark['source'])!, Number(mark['last_sequence'])])),
    discarded: yield* readDiscardedOffsets(projection, position),
  };
}

/** @see Progress.positions */
export function* readPositions(projection: string): Steps<readonly PartitionPosition[]> {
  const found = yield* rows(`${selectPosition} WHERE projection = ? ORDER BY topic, partition_no`, [projection]);
  return found.map(decodePosition);
}

export function* readPositionsByProjection(): Steps<ReadonlyMap<string, readonly PartitionPosition[]>> {
  const found = yield* rows(`${selectPosition} ORDER BY projection, topic, partition_no`);
  const byProjection = Map.groupBy(found, (row) => columnText(row['projection'])!);
  return new Map([...byProjection].map(([projection, of]) => [projection, of.map(decodePosition)]));
}

const selectPosition = `SELECT id, projection, topic, partition_no, topic_id, first_offset, next_offset, arrived_ms, fingerprint,
    CASE WHEN seen_end > log_end THEN seen_end ELSE log_end END AS known_end,
    applied, duplicate, dead, late, gap, compacted, instance
  FROM state.position LEFT JOIN state.lease ON position_id = id`;

function decodePosition(row: SqlRow): PartitionPosition {
  const number = (column: string): number => Number(row[column]);
  return {
    topic: columnText(row['topic'])!,
    partition: number('partition_no'),
    topicId: columnText(row['topic_id'])!,
    first: number('first_offset'),
    next: number('next_offset'),
    end: number('known_end'),
    arrivedMs: number('arrived_ms'),
    fingerprint: columnText(row['fingerprint']),
    outcomes: {
      applied: number('applied'),
      duplicate: number('duplicate'),
      dead: number('dead'),
      late: number('late'),
      gap: number('gap'),
      compacted: number('compacted'),
    },
    instance: columnText(row['instance']),
  };
}
