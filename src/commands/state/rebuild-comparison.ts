import type { ComparedTable, Difference, StateSnapshot } from '../../progress/rebuild/rebuild-place.ts';
import type { ProgressStore } from '../../progress/dead-letter-book.ts';
import type { PartitionPosition } from '../../progress/progress.ts';
import type { RebuildPlace } from '../../progress/rebuild/rebuild-place.ts';
import type { StoreLocation } from '../../progress/store-location.ts';
import { reason, SamsaError } from '../../errors.ts';
import type { EventLog } from '../../log/log.ts';
import { completeFrom, findDivergence, standAt } from '../../projection/comparable.ts';
import type { Projection } from '../../projection/projection.ts';
import type { Replay, ReplayProgress } from '../../projection/replay.ts';
import type { LiveState } from './live-state.ts';

/** A service's state that can be built anew. */
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
  /** `null` when nothing could be compared; `incomparable` says why. */
  readonly differences: readonly Difference[] | null;
  readonly incomparable: string | null;
  /** Records that are dead in the live state and not in the new one. */
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

/** Reads up to where the live state stands, which may go on meanwhile, and compares one moment of it. */
export async function compareWithLive<Change>(comparison: Comparison<Change>): Promise<Compared> {
  const { log, replay, live, target, place, show } = comparison;
  const not = (incomparable: string): Compared => ({ differences: null, incomparable, newlyRead: 0 });
  if (live.incomparable !== null) return not(live.incomparable);
  const diverged = await findDivergence(log, live.positions);
  if (diverged !== null) return not(diverged);
  // Nearly all of it first: while a moment of the live state is held, its write-ahead log only grows.
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

/** Of topics that still have every record: compaction also removes dead ones. */
function deadIn(positions: readonly PartitionPosition[], topics: readonly string[]): number {
  return positions.filter(({ topic }) => topics.includes(topic)).reduce((sum, { outcomes }) => sum + outcomes.dead, 0);
}
