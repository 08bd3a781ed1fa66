import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { PartitionName, Progress } from '../progress/progress.ts';
import { isFromLog, SamsaError } from '../errors.ts';
import type { EventLog, ReadResult } from '../log/log.ts';
import { backoffMs, pause } from '../runtime/waiting.ts';
import { foldRecords, joinFolded, type FoldedRecords, type FoldedSoFar } from './fold-records.ts';
import { divergence, hasDiverged } from './divergence.ts';
import type { Projection, ProjectionInput } from './projection.ts';

/** Why a partition is not read. Most last until a person acts; `store-unavailable` and `log-unavailable` pass. */
export type BlockedReason =
  | 'diverged'
  | 'topic-replaced'
  | 'store-damaged'
  | 'state-outdated'
  | 'state-too-new'
  | 'store-unavailable'
  | 'log-unavailable';

export type FollowPartition<Change> = {
  readonly log: EventLog;
  readonly progress: Progress<Change>;
  readonly projection: Projection<Change>;
  readonly input: ProjectionInput<Change>;
  readonly partition: PartitionName;
  readonly instance: string;
  readonly signal: AbortSignal;
  /** After every read and commit: where the partition stands, and when the last record taken had arrived. */
  readonly onProgress: (at: { next: number; end: number; arrivedMs: number }) => void;
  /** `null` when it moves again. */
  readonly onBlocked: (why: BlockedReason | null, error?: unknown) => void;
};

/** How much is folded without a break. More is faster, but the thread answers nobody meanwhile. */
const readBytes = 2 << 20;
const readWaitMs = 1_000;
/**
 * The pause after a commit of several records, so that the next commit has more: a commit of one record costs as much
 * as one of a hundred. It lasts a millisecond for each record, within these bounds. It is left out when more
 * records are waiting, and after a single record.
 */
const pauseMs = { least: 20, most: 100 };
/** The pauses after a refused commit or a jump. */
const briefly = { firstMs: 40, mostMs: 400 };
/** The pauses while a store or the log does not answer. */
const untilBack = { firstMs: 200, mostMs: 5_000 };
/**
 * A jump (see `foldRecords`): offsets are missing. They are usually there at the next read, so only a lasting jump is
 * reported.
 */
const jumpsUntilReported = 5;

/**
 * Reads one leased partition and commits what it folds, until the signal fires or the lease is lost. After any failure
 * it starts again from the stored position; what was read before is not applied (docs/rules.md, C7).
 */
export async function followPartition<Change>(follow: FollowPartition<Change>): Promise<void> {
  let failures = 0;
  while (!follow.signal.aborted) {
    const blocked = await readUntilRefused(follow, () => {
      failures = 0;
      follow.onBlocked(null);
    });
    failures++;
    if (blocked === 'jump' && failures === jumpsUntilReported) {
      follow.onBlocked('log-unavailable', new Error('offsets are missing in the middle of the partition'));
    }
    await pause(backoffMs(failures, isBrief(blocked) ? briefly : untilBack), follow.signal);
  }
}

function isBrief(blocked: BlockedReason | 'refused' | 'jump'): boolean {
  return blocked === 'refused' || blocked === 'jump';
}

async function readUntilRefused<Change>(
  follow: FollowPartition<Change>,
  onMoving: () => void,
): Promise<BlockedReason | 'refused' | 'jump'> {
  const stop = (why: BlockedReason, error?: unknown): BlockedReason => {
    if (!follow.signal.aborted) follow.onBlocked(why, error);
    return why;
  };
  try {
    const start = await follow.progress.load(follow.projection.name, follow.partition);
    if (await hasDiverged(follow, start)) return stop('diverged', divergence(follow.partition, start.next));
    const { topicId, next, marks, discarded, arrivedMs } = start;
    let position: Position = { topicId, soFar: { next, marks, discarded }, arrivedMs };
    let pauseUntilMs = 0;
    while (!follow.signal.aborted) {
      await pauseUntil(pauseUntilMs, follow.signal);
      const taken = await takeIn(follow, position);
      if (taken === 'diverged') return stop('diverged', divergence(follow.partition, position.soFar.next));
      if (taken === 'refused' || taken === 'jump') return taken;
      ({ position } = taken);
      pauseUntilMs = performance.now() + taken.pauseMs;
      onMoving();
      follow.onProgress({ next: position.soFar.next, end: taken.end, arrivedMs: position.arrivedMs });
      await eventLoopTurn();
    }
    return 'refused';
  } catch (error) {
    return stop(blockedReasonOf(error), error);
  }
}

type Position = { readonly topicId: string; readonly soFar: FoldedSoFar; readonly arrivedMs: number };
type TakenIn = { readonly position: Position; readonly end: number; readonly pauseMs: number };

/**
 * Reads, folds and commits once. Nothing keeps the records afterwards: during a pause they would move to the old
 * generation of the garbage collector, where freeing them costs far more.
 */
async function takeIn<Change>(
  follow: FollowPartition<Change>,
  position: Position,
): Promise<TakenIn | 'refused' | 'jump' | 'diverged'> {
  const { topicId, soFar } = position;
  const read = await readFrom(follow, topicId, soFar.next);
  if (follow.signal.aborted) return 'refused';
  if (read.end < soFar.next) return 'diverged';
  const first = foldRecords(follow.input, soFar, read);
  if (first === 'jump') return 'jump';
  if (first.next === soFar.next) return { position, end: read.end, pauseMs: 0 };
  const { folded, end } = await foldMore(follow, position, { folded: first, end: read.end });
  if (follow.signal.aborted) return 'refused';
  const arrivedMs = folded.last?.arrivedMs ?? position.arrivedMs;
  if (!(await commit(follow, soFar, folded, end, arrivedMs))) return 'refused';
  const marks = mergeMarks(soFar.marks, folded.marks);
  return {
    position: { topicId, soFar: { ...soFar, next: folded.next, marks }, arrivedMs },
    end,
    pauseMs: folded.next < end ? 0 : pauseAfter(read.records.length),
  };
}

function pauseAfter(records: number): number {
  return records > 1 ? Math.min(Math.max(records, pauseMs.least), pauseMs.most) : 0;
}

type Folded<Change> = { readonly folded: FoldedRecords<Change>; readonly end: number };

/** Reads on while more records are waiting, for as many reads as one commit takes. Stops before a jump. */
async function foldMore<Change>(
  follow: FollowPartition<Change>,
  { topicId, soFar }: Position,
  first: Folded<Change>,
): Promise<Folded<Change>> {
  let { folded, end } = first;
  for (let reads = 1; reads < follow.progress.readsPerCommit && folded.next < end; reads++) {
    // Records that were fetched ahead come without a turn of the event loop, but commits of other partitions need one.
    await eventLoopTurn();
    const read = await readFrom(follow, topicId, folded.next);
    if (follow.signal.aborted || read.end < folded.next) break;
    const marks = mergeMarks(soFar.marks, folded.marks);
    const more = foldRecords(follow.input, { ...soFar, next: folded.next, marks }, read);
    if (more === 'jump' || more.next === folded.next) break;
    folded = joinFolded(folded, more);
    ({ end } = read);
  }
  return { folded, end };
}

function readFrom<Change>(
  { log, partition, signal }: FollowPartition<Change>,
  topicId: string,
  from: number,
): Promise<ReadResult> {
  return log.read({ ...partition, topicId, from, maxBytes: readBytes, waitMs: readWaitMs, signal });
}

async function pauseUntil(untilMs: number, signal: AbortSignal): Promise<void> {
  const leftMs = untilMs - performance.now();
  if (leftMs > 0) await pause(leftMs, signal);
}

/** Why an error keeps a partition from being read. */
export function blockedReasonOf(error: unknown): BlockedReason {
  if (!(error instanceof SamsaError)) return 'store-unavailable';
  switch (error.code) {
    case 'topic-replaced':
    case 'store-damaged':
    case 'state-outdated':
    case 'state-too-new':
      return error.code;
    default:
      return isFromLog(error) ? 'log-unavailable' : 'store-unavailable';
  }
}

function commit<Change>(
  follow: FollowPartition<Change>,
  soFar: FoldedSoFar,
  folded: FoldedRecords<Change>,
  end: number,
  arrivedMs: number,
): Promise<boolean> {
  return follow.progress.commit({
    ...follow.partition,
    projection: follow.projection.name,
    instance: follow.instance,
    expected: soFar.next,
    next: folded.next,
    end,
    arrivedMs,
    fingerprint: folded.last?.fingerprint ?? null,
    outcomes: folded.outcomes,
    changes: folded.changes,
    deadLetters: folded.deadLetters,
    marks: folded.marks,
  });
}

function mergeMarks(
  marks: ReadonlyMap<string, number>,
  raised: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  if (raised.size === 0) return marks;
  const merged = new Map(marks);
  for (const [source, sequence] of raised) merged.set(source, sequence);
  return merged;
}
