import { existsSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { reason, SamsaError } from '../../errors.ts';
import { openLog } from '../../log/open-log.ts';
import { openStateReader, openStateDraft } from '../../progress/open-state.ts';
import { carryDiscarded } from '../../projection/dead-letters.ts';
import {
  lookAtLiveState,
  refuseNewDecisions,
  refuseWhileInUse,
  type LiveState,
  type Rebuildable,
} from './compare-with-live.ts';
import { recommendationState, trendState } from './service-states.ts';
import { logLocation } from './shop-locations.ts';

const busyTimeoutMs = 5_000;

/**
 * Replaces each embedded state that an older version of its projection wrote with an empty one. The service then reads
 * the log from its start. Discarded dead letters stay discarded, and the old file is kept as `….before-rebuild`. Call
 * it before anything opens the states. A state that cannot be replaced stays as it is, and its service reports
 * `state-outdated`.
 */
export async function replaceOutdatedStates(config: Config, say: (line: string) => void): Promise<void> {
  await replaceOutdated(config, say, trendState(config));
  await replaceOutdated(config, say, recommendationState(config));
}

async function replaceOutdated<Change>(
  config: Config,
  say: (line: string) => void,
  target: Rebuildable<Change>,
): Promise<void> {
  const { what, location, projection } = target;
  if (location.kind !== 'sqlite' || !existsSync(location.path)) return;
  try {
    const version = await versionIn(target);
    if (version === undefined || version >= projection.version) return;
    const keptAs = await replace(config, target);
    say(
      `${what}: the state is of version ${version}, this program writes version ${projection.version}: ` +
        `it is rebuilt from the event log; the old state is kept as ${keptAs}`,
    );
  } catch (error) {
    if (!(error instanceof SamsaError)) throw error;
    say(`${what}: the state could not be checked or replaced: ${reason(error)}`);
  }
}

/** @returns undefined where this projection has stored nothing yet. */
async function versionIn<Change>({ location, projection }: Rebuildable<Change>): Promise<number | undefined> {
  const state = await openStateReader(location);
  try {
    return (await state?.inside(projection.name))?.versions.get(projection.name);
  } finally {
    await state?.close();
  }
}

async function replace<Change>(config: Config, target: Rebuildable<Change>): Promise<string | null> {
  const { location, projection } = target;
  await using stack = new AsyncDisposableStack();
  const draft = await openStateDraft(location, projection.name);
  stack.defer(draft.close);
  const live = await carryInto(config, target, draft);
  return draft.replace((discarded) => refuseNewDecisions(discarded, live));
}

/** Makes the empty state, with what was discarded from the live one. */
async function carryInto<Change>(
  config: Config,
  { location, projection, openState }: Rebuildable<Change>,
  draft: Awaited<ReturnType<typeof openStateDraft>>,
): Promise<LiveState> {
  await using stack = new AsyncDisposableStack();
  const state = await openStateReader(location);
  stack.defer(async () => state?.close());
  const live = await lookAtLiveState(draft, state, projection);
  await refuseWhileInUse(draft, live);
  const store = await openState(draft.location);
  stack.defer(store.close);
  if (live.decisions === null || live.discarded === 0) return live;
  const log = await openLog(logLocation(config), { clock: Date.now, busyTimeoutMs });
  stack.defer(log.close);
  await carryDiscarded(projection.name, live.decisions, store, log);
  return live;
}
