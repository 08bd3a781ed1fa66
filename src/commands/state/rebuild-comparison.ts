import type { ComparedTable, Difference, StateSnapshot, RebuildPlace, StoreLocation } from '../../progress/state.ts';
import type { ProgressStore } from '../../progress/dead-letter-book.ts';
import type { PartitionPosition } from '../../progress/progress.ts';
import { reason, SamsaError } from '../../errors.ts';
import type { EventLog } from '../../log/log.ts';
import { findDivergence } from '../../projection/divergence.ts';
import type { Projection } from '../../projection/projection.ts';
import { completeFrom, standAt, type Replay, type ReplayProgress } from '../../projection/replay.ts';
import type { LiveState } from './live-state.ts';

/** A service's state that can be rebuilt from the log. */
export type Rebuildable<Change> = {
  readonly what: string;
  readonly location: StoreLocation;
  readonly projection: Projection<Change>;
  readonly openState: (
    location: StoreLocation,
  ) => Promise<ProgressStore<Change> & { readonly close: () => Promise<void> }>;
  readonly comparedTables: (
    kind: StoreLocation['kind'],
    newestMs: number,
    completeFrom: (topic: string) => number,
  ) => readonly ComparedTable[];
};

export type Compared = {
  /** `null` when the states could not be compared; `incomparable` says why. */
  readonly differences: readonly Difference[] | null;
  readonly incomparable: string | null;
  /** How many records are dead in the live state but not in the new one. */
  readonly newlyRead: number;
};

type Comparison<Change> = {
  readonly log: EventLog;
  readonly replay: Replay;
  readonly live: LiveState;
  readonly target: Rebuildable<Change>;
  readonly place: RebuildPlace;
  readonly show: (progress: ReplayProgress) => void;
};

/** Reads up to the live state's position, then compares with a snapshot of it. The live state may go on meanwhile. */
export async function compareWithLive<Change>(comparison: Comparison<Change>): Promise<Compared> {
  const { log, replay, live, target, place, show } = comparison;
  const not = (incomparable: string): Compared => ({ differences: null, incomparable, newlyRead: 0 });
  if (live.incomparable !== null) return not(live.incomparable);
  const diverged = await findDivergence(log, live.positions);
  if (diverged !== null) return not(diverged);
  // Read most of the log before the snapshot: while a snapshot is open, the live state's write-ahead log only grows.
  await replay.readUpTo(live.positions, show);
  let snapshot: StateSnapshot | null = null;
  try {
    snapshot = await place.snapshot();
    const positions = snapshot.positions(target.projection.name);
    await replay.readUpTo(positions, show);
    const rebuilt = await replay.positions();
    if (!standAt(rebuilt, positions)) return not('the log no longer has what it had not read yet');
    const tables = await tablesOf(comparison, [...positions, ...rebuilt]);
    const whole = target.projection.reads.filter(({ compacted }) => !compacted).map(({ topic }) => topic);
    const newlyRead = Math.max(0, deadIn(positions, whole) - deadIn(rebuilt, whole));
    return { differences: await snapshot.differences(tables), incomparable: null, newlyRead };
  } catch (error) {
    if (error instanceof SamsaError) throw error;
    return not(reason(error));
  } finally {
    await snapshot?.close();
  }
}

async function tablesOf<Change>(
  { log, target }: Comparison<Change>,
  positions: readonly PartitionPosition[],
): Promise<readonly ComparedTable[]> {
  const newestMs = Math.max(0, ...positions.map(({ arrivedMs }) => arrivedMs));
  const begins = new Map<string, number>();
  for (const { topic, compacted } of target.projection.reads) {
    if (!compacted) begins.set(topic, await completeFrom(log, topic, positions));
  }
  return target.comparedTables(target.location.kind, newestMs, (topic) => begins.get(topic) ?? 0);
}

/** Counts dead records in topics that are not compacted: compaction also removes dead records. */
function deadIn(positions: readonly PartitionPosition[], topics: readonly string[]): number {
  return positions.filter(({ topic }) => topics.includes(topic)).reduce((sum, { outcomes }) => sum + outcomes.dead, 0);
}
