import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { SamsaError } from '../errors.ts';
import { readSetAside } from '../log/spool/set-aside.ts';
import type { CommandContext } from './command-context.ts';
import {
  createDeadLetters,
  createPace,
  eachDeadLetter,
  type DeadLetterOutcome,
  type DeadLetters,
} from '../projection/dead-letters.ts';
import type { Rebuildable } from './state/compare-with-live.ts';
import { recommendationState, trendState } from './state/service-states.ts';
import { shopFiles, stateLocations } from './state/shop-locations.ts';
import {
  idOf,
  requireProjection,
  selectionsOf,
  statusOf,
  describeLetter,
  factsOf,
  printable,
  summarise,
  wholeOf,
  type FilterOptions,
  type Selection,
} from './state/dead-letter-text.ts';
import { discardSpool, listSpool, sendSpool, showSpool } from './spool.ts';
import type { KeptDeadLetter } from '../progress/dead-letter-book.ts';
import { openStateReader } from '../progress/open-state.ts';
import type { StoreLocation } from '../progress/state.ts';

type DecideOptions = FilterOptions & { readonly all?: boolean; readonly dryRun?: boolean };

const shownByDefault = 50;

/**
 * Events that the brokers refused count as dead letters, too: their ids are `spool/<id>`, and `--projection spool`
 * selects only them.
 * @returns their ids in the form of `samsa spool`; `null` when other letters are selected.
 */
function setAsideMeant(ids: readonly string[], { projection }: FilterOptions): readonly string[] | null {
  const meant = ids.filter((id) => id.startsWith('spool/'));
  if (meant.length !== ids.length && meant.length > 0) {
    throw new SamsaError('bad-request', 'expected ids that all begin with spool/, or none that does');
  }
  return meant.length > 0 || projection === 'spool' ? meant.map((id) => id.slice('spool/'.length)) : null;
}

/** Lists dead letters of every projection, including the search index, and events set aside in a spool. @returns 0. */
export async function listDeadLetters(
  context: CommandContext,
  options: FilterOptions & { readonly status?: string; readonly limit?: number; readonly json?: boolean },
): Promise<number> {
  const { config, print, warn } = context;
  if (setAsideMeant([], options) !== null) return listSpool(context, options);
  const [selection] = selectionsOf(config, [], options, Date.now());
  const status = statusOf(options.status ?? 'waiting');
  const { limit = shownByDefault } = options;
  const facts: Readonly<Record<string, unknown>>[] = [];
  let found = 0;
  for await (const letter of readLetters(config, selection!, status)) {
    if (++found > limit) break;
    if (options.json === true) facts.push(factsOf(letter));
    else print(summarise(letter));
  }
  if (found === 0) {
    requireProjection(config, options);
    const opened = await Promise.all(stateLocations(config).map(({ location }) => isThere(location)));
    if (!opened.includes(true)) warn(`no service has stored anything in ${config.data} or its database yet`);
  }
  const aside = readSetAside(shopFiles(config).spools).length;
  if (options.json === true) print(JSON.stringify(facts, null, 2));
  else if (found === 0) warn('no dead letters');
  if (aside > 0) warn(`the brokers refused ${aside} events: samsa dead-letters list --projection spool shows them`);
  if (found > limit) warn('there are more: raise --limit, or narrow the search');
  return 0;
}

/**
 * Shows one dead letter, by its id or by the four parts of its id. @returns 0. @throws SamsaError
 * `dead-letter-unknown`.
 */
export async function showDeadLetter(
  context: CommandContext,
  words: readonly string[],
  options: { readonly json?: boolean },
): Promise<number> {
  const { config, print } = context;
  const id = words.join('/');
  const [aside] = setAsideMeant([id], {}) ?? [];
  if (aside !== undefined) return showSpool(context, aside);
  const [selection] = selectionsOf(config, [id], {}, Date.now());
  for await (const letter of readLetters(config, selection!)) {
    if (options.json === true) print(JSON.stringify(wholeOf(letter), null, 2));
    else for (const line of describeLetter(letter)) print(line);
    return 0;
  }
  throw new SamsaError(
    'dead-letter-unknown',
    `${printable(id)}: there is no such dead letter; samsa dead-letters list shows them`,
  );
}

/**
 * Folds dead letters again, each into the projection that failed.
 * @returns 0 when all that were meant were found and none of them still waits, else 1.
 */
export async function redriveDeadLetters(
  context: CommandContext,
  ids: readonly string[],
  options: DecideOptions & { readonly rate?: number },
): Promise<number> {
  const aside = setAsideMeant(ids, options);
  if (aside !== null) return sendSpool(context, aside, options);
  const dryRun = options.dryRun === true;
  const { rate } = options;
  const pace = rate === undefined ? async () => {} : createPace(rate, () => performance.now(), delay);
  return decide(context, ids, options, (letters, { filter }) => letters.redrive(filter, { dryRun, pace }));
}

/** Decides that dead letters are never counted. @returns 0; 1 when an id was not found among those that wait. */
export async function discardDeadLetters(
  context: CommandContext,
  ids: readonly string[],
  options: DecideOptions,
): Promise<number> {
  const aside = setAsideMeant(ids, options);
  if (aside !== null) return discardSpool(context, aside, options);
  const dryRun = options.dryRun === true;
  return decide(context, ids, options, (letters, { filter }) => letters.discard(filter, { dryRun }));
}

async function decide(
  { config, print, warn }: CommandContext,
  ids: readonly string[],
  options: DecideOptions,
  outcomesOf: (letters: DeadLetters, selection: Selection) => AsyncIterable<DeadLetterOutcome>,
): Promise<number> {
  const now = Date.now();
  requireSelection(ids, options);
  const selections = selectionsOf(config, ids, options, now).map((selection) => {
    // Leaves out letters that arrive after the command began: the user has not seen them.
    return ids.length > 0 ? selection : { ...selection, filter: { untilMs: now, ...selection.filter } };
  });
  await using stack = new AsyncDisposableStack();
  const projections = await openProjections(config, stack);
  const counts = new Map<DeadLetterOutcome['became'], number>();
  let unknownIds = 0;
  try {
    for (const [index, selection] of selections.entries()) {
      let found = 0;
      for (const letters of projectionsMeant(config, projections, selection)) {
        for await (const { letter, became, why } of outcomesOf(letters, selection)) {
          found++;
          counts.set(became, (counts.get(became) ?? 0) + 1);
          if (why !== null) warn(`${printable(idOf(letter))}  ${printable(why)}`);
          else if (options.dryRun === true) print(`${printable(idOf(letter))}  would be ${became}`);
        }
      }
      if (ids.length === 0 || found > 0) continue;
      unknownIds++;
      warn(`${printable(ids[index]!)}  no dead letter of this id waits`);
    }
  } catch (error) {
    if (counts.size > 0) print(describeCounts(counts, options.dryRun === true));
    throw error;
  }
  print(describeCounts(counts, options.dryRun === true));
  return unknownIds + (counts.get('waiting') ?? 0) > 0 ? 1 : 0;
}

function requireSelection(
  ids: readonly string[],
  { all, projection, cause, reason, since, until }: DecideOptions,
): void {
  const narrowed = [projection, cause, reason, since, until].some((filter) => filter !== undefined);
  if (all === true ? ids.length === 0 : ids.length > 0 || narrowed) return;
  throw new SamsaError(
    'bad-request',
    'expected ids, or filters (--projection, --cause, --reason, --since, --until), or --all for all that wait',
  );
}

function describeCounts(counts: ReadonlyMap<DeadLetterOutcome['became'], number>, dryRun: boolean): string {
  const said = {
    applied: 'applied',
    late: 'late: counted, not applied',
    discarded: 'discarded',
    waiting: 'still waiting',
    'decided-before': 'decided by another process meanwhile',
  };
  const parts = [...counts].map(([became, count]) => `${count} ${said[became]}`);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const line = `${total} dead ${total === 1 ? 'letter' : 'letters'}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
  return dryRun ? `${line} (dry run: nothing was changed)` : line;
}

function projectionsMeant(
  { data }: Config,
  projections: readonly DeadLetters[],
  { projection }: Selection,
): readonly DeadLetters[] {
  const meant = projections.filter((letters) => projection === undefined || letters.projection === projection);
  if (meant.length > 0 || projection === undefined) return meant;
  const known = projections.map((letters) => letters.projection).join(' or ') || `none: ${data} has no state yet`;
  throw new SamsaError(
    'bad-request',
    `expected a projection whose dead letters can be redriven or discarded, ${known}, got ${printable(projection)}. ` +
      'To have a search index read the log again, stop the shop and remove its file.',
  );
}

/**
 * Opens the projections of trend and recommendation. Their services may run meanwhile, since they notice what others
 * change. The search index is private to each web node and not included.
 */
async function openProjections(config: Config, stack: AsyncDisposableStack): Promise<readonly DeadLetters[]> {
  const opened: DeadLetters[] = [];
  const open = async <Change>({ location, projection, openState }: Rebuildable<Change>): Promise<void> => {
    if (!(await isThere(location))) return;
    const store = await openState(location);
    stack.defer(() => store.close());
    opened.push(createDeadLetters(store, projection));
  };
  await open(trendState(config));
  await open(recommendationState(config));
  return opened;
}

/** Checks before opening, since opening a state creates it. */
async function isThere(location: StoreLocation): Promise<boolean> {
  const state = await openStateReader(location);
  await state?.close();
  return state !== null;
}

/** Dead letters of every projection, including the search index. */
async function* readLetters(
  config: Config,
  { projection, filter }: Selection,
  status?: KeptDeadLetter['status'],
): AsyncIterable<KeptDeadLetter> {
  for (const { location } of stateLocations(config)) {
    const state = await openStateReader(location);
    if (state === null) continue;
    try {
      yield* eachDeadLetter(state.deadLetters, {
        ...filter,
        ...(projection !== undefined && { projection }),
        ...(status !== undefined && { status }),
      });
    } finally {
      await state.close();
    }
  }
}
