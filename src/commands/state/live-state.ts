import type { ProgressStore } from '../../progress/dead-letter-book.ts';
import type { PartitionPosition } from '../../progress/progress.ts';
import type { RebuildPlace, StateInside, StateReader } from '../../progress/state.ts';
import { reason, SamsaError } from '../../errors.ts';
import { isGone } from '../../projection/instance.ts';

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
  readonly readers: readonly string[];
};

/**
 * @param state null when no state exists.
 * @throws SamsaError `state-too-new` when a newer program wrote it, `store-unavailable` (retryable).
 */
export async function lookAtLiveState(
  { name }: Pick<RebuildPlace, 'name'>,
  state: StateReader | null,
  projection: { readonly name: string; readonly version: number },
): Promise<LiveState> {
  const nothing = { positions: [], decisions: null, discarded: 0, readers: [] };
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
    readers: instances.filter((instance) => !isGone(instance)),
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
export async function refuseWhileInUse(place: RebuildPlace, { readers }: LiveState): Promise<void> {
  if (!(await place.isInUse())) return;
  throw new SamsaError(
    'already-running',
    `${place.name}: expected a state that no process has open, but ${readers.join(', ') || 'another process'} has it open. ` +
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
