import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { lockDataFolder } from './data-folder.ts';
import type { DeadLetterBook } from '../progress/dead-letter-book.ts';
import { openStateDraft, openStateReader } from '../progress/open-state.ts';
import { rebuiltAlready, type StateDraft } from '../progress/state.ts';
import { removeSqliteFile } from '../sqlite/file.ts';
import { SamsaError } from '../errors.ts';
import { openLog } from '../log/open-log.ts';
import type { EventLog } from '../log/log.ts';
import { carryDiscarded } from '../projection/dead-letters.ts';
import { endsOf, startReplay, type ReplayProgress } from '../projection/replay.ts';
import {
  lookAtLiveState,
  refuseNewDecisions,
  refuseWhileInUse,
  compareWithLive,
  type LiveState,
  type Compared,
  type Rebuildable,
} from './state/compare-with-live.ts';
import {
  count,
  createProgressLine,
  timeLeft,
  type ProgressLine,
  type ProgressOutput,
  type CommandContext,
} from './command-context.ts';
import { openShopToChange } from './import/open-shop.ts';
import { recommendationState, trendState } from './state/service-states.ts';
import { logLocation, shopFiles } from './state/shop-locations.ts';

export type RebuildOptions = { readonly check?: boolean };

const busyTimeoutMs = 5_000;

/**
 * Rebuilds a service's state from the log beside the live one, prints how they differ, and replaces the live one. With
 * `check` it only prints how they differ, and the service may run meanwhile. On any failure the live state is
 * unchanged.
 * @returns 0 when the new state is in place, or with `check` when both are equal, else 1.
 * @throws SamsaError `already-running` while the service runs, `state-too-new`, `bad-request`, and what stores throw.
 */
export async function rebuildCommand(
  context: CommandContext,
  what: string,
  { check = false }: RebuildOptions,
  output: ProgressOutput = process.stderr,
): Promise<number> {
  const { config } = context;
  if (!['trend', 'recommendation', 'search'].includes(what)) {
    throw new SamsaError('bad-request', `expected trend, recommendation or search, got ${JSON.stringify(what)}`);
  }
  const location = logLocation(config);
  if (location.kind === 'sqlite' && !existsSync(location.path)) {
    throw new SamsaError('bad-request', `expected a shop in ${config.data}, but none has been opened there yet`);
  }
  switch (what) {
    case 'trend':
      return rebuild(context, check, output, trendState(config));
    case 'recommendation':
      return rebuild(context, check, output, recommendationState(config));
    default:
      return rebuildSearch(context, check);
  }
}

/**
 * The index is a private copy of the web service, which rebuilds it from the log at the next start when its file is
 * missing. A log that was lost or is older than the catalogue gets the books that it lacks.
 */
async function rebuildSearch(context: CommandContext, check: boolean): Promise<number> {
  const { config, print } = context;
  if (check)
    throw new SamsaError('bad-request', '--check: expected trend or recommendation, a search index is not compared');
  await using stack = new AsyncDisposableStack();
  stack.defer(lockDataFolder(config.data, 'web', { command: 'samsa rebuild search', clock: Date.now }).release);
  const missing = await (await openShopToChange(context, stack)).putMissingAgain();
  if (missing > 0) print(`${count(missing)} books were not in the log as they are now: they are sent to it again`);
  removeSqliteFile(shopFiles(config).searchIndex);
  print('the search index is removed: the shop rebuilds it from the log when it starts');
  return 0;
}

async function rebuild<Change>(
  { config, print, warn }: CommandContext,
  check: boolean,
  output: ProgressOutput,
  target: Rebuildable<Change>,
): Promise<number> {
  const { what, location, projection } = target;
  await using stack = new AsyncDisposableStack();
  stack.defer(lockRebuild(config, what).release);
  const draft = await openStateDraft(location, projection.name);
  stack.defer(draft.close);
  const line = createProgressLine(output);
  stack.defer(line.end);
  const { live, compared } = await build(config, target, draft, { line, check });
  line.end();
  for (const said of describe(live, compared)) print(`${what}: ${said}`);
  const isEqual = compared.differences?.length === 0;
  if (check) {
    print(`${what}: only compared, the live state is as it was`);
    return isEqual ? 0 : 1;
  }
  const keptAs = await draft.replace((discarded) => refuseNewDecisions(discarded, live));
  if (keptAs !== null) {
    warn(`${what}: the old state is kept as ${keptAs} until the next rebuild; delete it when nothing is missing`);
  }
  print(`${what}: the new state is in place`);
  return 0;
}

function lockRebuild({ data }: Config, what: string): { readonly release: () => void } {
  try {
    return lockDataFolder(data, `rebuild-${what}`, { command: `samsa rebuild ${what}`, clock: Date.now });
  } catch (error) {
    if (!(error instanceof SamsaError) || error.code !== 'already-running') throw error;
    throw rebuiltAlready(`${data}: ${what}`);
  }
}

async function build<Change>(
  config: Config,
  target: Rebuildable<Change>,
  draft: StateDraft,
  { line, check }: { readonly line: ProgressLine; readonly check: boolean },
): Promise<{ readonly live: LiveState; readonly compared: Compared }> {
  const { location, projection } = target;
  await using stack = new AsyncDisposableStack();
  const state = await openStateReader(location);
  stack.defer(async () => state?.close());
  const live = await lookAtLiveState(draft, state, projection);
  if (!check) await refuseWhileInUse(draft, live);
  const log = await openLog(logLocation(config), { clock: Date.now, busyTimeoutMs });
  stack.defer(() => log.close());
  const progress = await target.openState(draft.location);
  stack.defer(() => progress.close());
  await carry(live, progress, projection.name, log);
  const replay = startReplay({ log, progress, projection, clock: Date.now });
  stack.defer(replay.close);
  const show = (now: ReplayProgress): void => line.show(progressLine(now));
  const compared = await compareWithLive({ log, replay, live, target, draft, show });
  if (!check) await replay.readUpTo(await endsOf(log, projection), show);
  return { live, compared };
}

async function carry<Change>(live: LiveState, to: DeadLetterBook<Change>, name: string, log: EventLog): Promise<void> {
  if (live.decisions !== null) await carryDiscarded(name, live.decisions, to, log);
}

function describe(live: LiveState, { incomparable, differences, newlyRead }: Compared): readonly string[] {
  if (!live.exists) return ['there was no state yet'];
  if (differences === null) return [`not comparable with the live state: ${incomparable}`];
  if (differences.length === 0) return ['equal to the live state'];
  const lines = differences.map(
    ({ table, onlyHere, onlyThere }) =>
      `differs: table ${table}, ${count(onlyHere)} rows only in the live state, ${count(onlyThere)} only in the new one`,
  );
  if (newlyRead > 0) lines.push(`${count(newlyRead)} dead letters of the live state can be read now`);
  return lines;
}

function progressLine({ events, of, eventsPerSecond, secondsLeft }: ReplayProgress): string {
  const done = of === 0 ? 100 : Math.floor((events / of) * 100);
  return `${count(events)} of ${count(of)} events, ${done} %, ${count(eventsPerSecond)} events/s, ${timeLeft(secondsLeft)}`;
}
