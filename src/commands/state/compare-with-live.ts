import type { ProgressStore } from '../../progress/dead-letter-book.ts';
import type { PartitionPosition } from '../../progress/progress.ts';
import type {
  StateDraft,
  StateInside,
  StateReader,
  ComparedTable,
  Difference,
  StateSnapshot,
  StoreLocation,
} from '../../progress/state.ts';
import { reason, SamsaError } from '../../errors.ts';
import { isGone } from '../../projection/instance-name.ts';
import type { EventLog } from '../../log/log.ts';
import { findDivergence } from '../../projection/divergence.ts';
import type { Projection } from '../../projection/projection.ts';
import { completeFrom, standAt, type Replay, type ReplayProgress } from '../../projection/replay.ts';

/** What the live state contains before it is rebuilt. */
export type LiveState = {
  readonly exists: boolean;
  readonly positions: readonly PartitionPosition[];
  /** Why it cannot be compared with the rebuilt state; `null` when it can. */
  readonly incomparable: string | null;
  /** The decisions about dead letters, to be carried over; `null` when they cannot be read. */
  readonly decisions: Pick<ProgressStore<never>, 'positions' | 'deadLetters'> | null;
  readonly discarded: number;
  /** Instances that write to it, without those whose process has exited. */
  readonly instances: readonly string[];
};

/**
 * @param state null when no state exists.
 * @throws SamsaError `state-too-new` when a newer program wrote it, `store-unavailable` (retryable).
 */
export async function lookAtLiveState(
  { name }: Pick<StateDraft, 'name'>,
  state: StateReader | null,
  projection: { readonly name: string; readonly version: number },
): Promise<LiveState> {
  const nothing = { positions: [], decisions: null, discarded: 0, instances: [] };
  if (state === null) return { ...nothing, exists: false, incomparable: 'no state exists' };
  let inside: StateInside;
  try {
    inside = await state.inside(projection.name);
  } catch (error) {
    if (!(error instanceof SamsaError) || error.retryable) throw error;
    const why = error.code === 'store-damaged' ? `its file is damaged: ${reason(error.cause)}` : error.message;
    return { ...nothing, exists: true, incomparable: why };
  }
  const { positions, versions, discarded, instances } = inside;
  const version = versions.get(projection.name);
  if (version !== undefined && version > projection.version) {
    throw new SamsaError(
      'state-too-new',
      `${name}: expected ${projection.name} version ${projection.version} or older, found version ${version}. ` +
        'A newer Samsa wrote it: run that version.',
    );
  }
  return {
    exists: true,
    positions,
    incomparable: whyIncomparable(projection, versions),
    decisions: { positions: async () => positions, deadLetters: state.deadLetters },
    discarded,
    instances: instances.filter((instance) => !isGone(instance)),
  };
}

function whyIncomparable(
  { name, version }: { readonly name: string; readonly version: number },
  versions: ReadonlyMap<string, number>,
): string | null {
  const stored = versions.get(name);
  if (stored === undefined) return `${name} has read nothing into it yet`;
  if (stored !== version) return `it is of version ${stored}, this program makes version ${version}`;
  const others = [...versions.keys()].filter((other) => other !== name);
  return others.length === 0 ? null : `it also holds what ${others.join(', ')} counted`;
}

/** @throws SamsaError `already-running` */
export async function refuseWhileInUse(draft: StateDraft, { instances }: LiveState): Promise<void> {
  if (!(await draft.isInUse())) return;
  throw new SamsaError(
    'already-running',
    `${draft.name}: expected a state that no process has open, but ${instances.join(', ') || 'another process'} has it open. ` +
      'Stop the service first, or only compare with --check.',
  );
}

/** The new state may contain a record that was discarded after reading began. @throws SamsaError (retryable) */
export function refuseNewDecisions(discarded: number, live: LiveState): void {
  if (live.decisions === null || live.discarded === discarded) return;
  throw new SamsaError(
    'store-unavailable',
    'dead letters were discarded while the state was built, and the live state is left as it was: rebuild again',
    { retryable: true },
  );
}

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
  readonly draft: StateDraft;
  readonly show: (progress: ReplayProgress) => void;
};

/** Reads up to the live state's position, then compares with a snapshot of it. The live state may change meanwhile. */
export async function compareWithLive<Change>(comparison: Comparison<Change>): Promise<Compared> {
  const { log, replay, live, target, draft, show } = comparison;
  const not = (incomparable: string): Compared => ({ differences: null, incomparable, newlyRead: 0 });
  if (live.incomparable !== null) return not(live.incomparable);
  const diverged = await findDivergence(log, live.positions);
  if (diverged !== null) return not(diverged);
  // Read most of the log before the snapshot: while a snapshot is open, the live state's write-ahead log only grows.
  await replay.readUpTo(live.positions, show);
  let snapshot: StateSnapshot | null = null;
  try {
    snapshot = await draft.snapshot();
    const positions = snapshot.positions(target.projection.name);
    await replay.readUpTo(positions, show);
    const rebuilt = await replay.positions();
    if (!standAt(rebuilt, positions)) return not('the log has lost events that the live state has not read yet');
    const tables = await tablesToCompare(target, log, [...positions, ...rebuilt]);
    const whole = target.projection.reads.filter(({ compacted }) => !compacted).map(({ topic }) => topic);
    const newlyRead = Math.max(0, deadIn(positions, whole) - deadIn(rebuilt, whole));
    return { differences: await snapshot.differences(tables(target.location.kind)), incomparable: null, newlyRead };
  } catch (error) {
    if (error instanceof SamsaError) throw error;
    return not(reason(error));
  } finally {
    await snapshot?.close();
  }
}

/**
 * The tables that must be equal in two states of these positions, as each kind of database reads them.
 * @param log where the states were read from; it may have lost the oldest events since.
 */
export async function tablesToCompare<Change>(
  target: Pick<Rebuildable<Change>, 'projection' | 'comparedTables'>,
  log: EventLog,
  positions: readonly PartitionPosition[],
): Promise<(kind: StoreLocation['kind']) => readonly ComparedTable[]> {
  const newestMs = Math.max(0, ...positions.map(({ arrivedMs }) => arrivedMs));
  const begins = new Map<string, number>();
  for (const { topic, compacted } of target.projection.reads) {
    if (!compacted) begins.set(topic, await completeFrom(log, topic, positions));
  }
  return (kind) => target.comparedTables(kind, newestMs, (topic) => begins.get(topic) ?? 0);
}

/** Counts dead records in topics that are not compacted: compaction also removes dead records. */
function deadIn(positions: readonly PartitionPosition[], topics: readonly string[]): number {
  return positions.filter(({ topic }) => topics.includes(topic)).reduce((sum, { outcomes }) => sum + outcomes.dead, 0);
}
