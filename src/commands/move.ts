import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { SamsaError } from '../errors.ts';
import { openLog } from '../log/open-log.ts';
import type { EventLog } from '../log/log.ts';
import type { Outcomes } from '../progress/progress.ts';
import { keepSecret, lockDataFolder, openDataFolder, readSecret } from './data-folder.ts';
import {
  count,
  createProgressLine,
  type ProgressLine,
  type ProgressOutput,
  type CommandContext,
} from './command-context.ts';
import { copyTopic, type OldOffsets } from './move/copy-topics.ts';
import { moveState, type MovedState } from './move/move-state.ts';
import { recommendationState, trendState } from './state/service-states.ts';
import { catalogueLocation, logLocation, shopFiles } from './state/shop-locations.ts';

export type MoveOptions = { readonly dryRun?: boolean };

type Output = ProgressOutput;
type KafkaLocation = Extract<ReturnType<typeof logLocation>, { kind: 'kafka' }>;

/**
 * Moves a shop from its data folder to Kafka and a database: the catalogue, every topic and the secret. Then builds the
 * states from the moved topics and compares them with the old ones. May be stopped and started again. The old folder
 * stays as it is.
 * @param to the configuration of the new shop.
 * @returns 0 when both states are equal to the old ones, else 1.
 * @throws SamsaError `bad-request`, `already-running` while the shop runs, and what logs and stores throw.
 */
export async function moveCommand(
  { config, print, warn }: CommandContext,
  to: Config,
  { dryRun = false }: MoveOptions,
  output: Output = process.stderr,
): Promise<number> {
  const target = checkLocations(config, to);
  await using stack = new AsyncDisposableStack();
  const files = shopFiles(config);
  for (const name of ['web', 'move']) stack.defer(lockDataFolder(config.data, name, lockOptions).release);
  const oldLog = await openLog(logLocation(config), { clock: Date.now, busyTimeoutMs });
  stack.defer(() => oldLog.close());
  const line = createProgressLine(output);
  stack.defer(line.end);
  const { moveCatalogue } = await import('../services/web/catalogue/store/move-catalogue.ts');
  const { books, moved } = await moveCatalogue(files.catalogue, target.catalogue, !dryRun);
  print(`catalogue: ${count(books)} books, removed ones included${dryRun ? '' : `; ${count(moved)} copied now`}`);
  const topics = Object.values(config.mq.topics);
  if (dryRun) {
    for (const topic of topics) print(`${topic}: ${count(await recordsIn(oldLog, topic))} events`);
    print('nothing was copied: this was a dry run');
    return 0;
  }
  moveSecret(config, to, warn);
  const { openKafkaLog } = await import('../log/kafka/log.ts');
  const created = await openLog(target.log, { clock: Date.now, busyTimeoutMs });
  await created.close();
  const log = openKafkaLog({ ...target.log, clock: Date.now });
  stack.defer(() => log.close());
  const copied = new Map<string, readonly OldOffsets[]>();
  for (const topic of topics) {
    const all = await recordsIn(oldLog, topic);
    let done = 0;
    const onCopied = (records: number): void => line.show(`${topic}: ${count((done += records))} of ${count(all)}`);
    const signal = new AbortController().signal;
    copied.set(topic, await copyTopic({ topic, from: oldLog, to: log, onCopied, signal }));
    line.end();
    print(`${topic}: ${count(done)} events`);
  }
  const states = await moveStates({ config, to, oldLog, log, copied, line });
  for (const [what, state] of states) for (const said of describe(what, state)) print(said);
  print(`The old shop is still in ${config.data}. Start the new one when nothing is missing.`);
  return states.every(([, { differences }]) => differences?.length === 0) ? 0 : 1;
}

const busyTimeoutMs = 5_000;
const lockOptions = { command: 'samsa move', clock: Date.now };

function checkLocations(config: Config, to: Config) {
  const [log, catalogue] = [logLocation(to), catalogueLocation(to)];
  if (logLocation(config).kind !== 'sqlite' || catalogueLocation(config).kind !== 'sqlite') {
    throw new SamsaError('bad-request', 'expected a shop whose log and books are in its data folder, to move from');
  }
  if (!existsSync(shopFiles(config).log)) {
    throw new SamsaError('bad-request', `expected a shop in ${config.data}, but none has been opened there yet`);
  }
  if (log.kind !== 'kafka' || catalogue.kind !== 'mysql') {
    throw new SamsaError('bad-request', '--to: expected a configuration with mq.brokers and db.dsn of a database');
  }
  if (Object.values(config.mq.topics).join() !== Object.values(to.mq.topics).join()) {
    throw new SamsaError('bad-request', '--to: expected the same names of topics as in the shop to move');
  }
  if (config.data === to.data) {
    throw new SamsaError('bad-request', '--to: expected another data folder than that of the shop to move');
  }
  const { partitions: _, ...cluster }: KafkaLocation = log;
  return { log: { ...cluster, partitions: config.mq.partitions }, catalogue };
}

async function recordsIn(log: EventLog, topic: string): Promise<number> {
  const { partitions } = await log.describe(topic);
  return partitions.reduce((sum, { start, end }) => sum + end - start, 0);
}

/**
 * With another secret, every reader would be a new one. A secret that somebody has configured is not written to a file.
 */
function moveSecret(config: Config, to: Config, warn: CommandContext['warn']): void {
  const old = config.app.secret ?? readSecret(config.data);
  if (old === null) return;
  openDataFolder(to.data);
  const known = to.app.secret ?? readSecret(to.data) ?? keepSecret(to.data, old);
  if (known === old) return;
  warn(
    'app.secret: expected the secret of the old shop, got another one or none: every reader will be a new one. Set it.',
  );
}

type States = {
  readonly config: Config;
  readonly to: Config;
  readonly oldLog: EventLog;
  readonly log: EventLog;
  readonly copied: ReadonlyMap<string, readonly OldOffsets[]>;
  readonly line: ProgressLine;
};

async function moveStates({ config, to, line, ...logs }: States): Promise<readonly [string, MovedState][]> {
  const files = shopFiles(config);
  const show =
    (what: string) =>
    ({ events, of }: { readonly events: number; readonly of: number }): void =>
      line.show(`${what}: ${count(events)} of ${count(of)} events`);
  const states: [string, MovedState][] = [];
  if (existsSync(files.trend)) {
    const [target, oldName] = [trendState(to), config.trend.groupId];
    const move = { ...logs, path: files.trend, oldName, target, show: show('trend') };
    states.push(['trend', await moveState(move)]);
  }
  if (existsSync(files.recommendation)) {
    const [target, oldName] = [recommendationState(to), config.recommendation.groupId];
    const move = { ...logs, path: files.recommendation, oldName, target, show: show('recommendation') };
    states.push(['recommendation', await moveState(move)]);
  }
  line.end();
  return states;
}

function describe(what: string, { differences, incomparable, before, after }: MovedState): readonly string[] {
  const ledger = (outcomes: Outcomes): string =>
    Object.entries(outcomes)
      .map(([name, events]) => `${name} ${count(events)}`)
      .join(', ');
  const compared =
    differences === null
      ? [`${what}: not comparable with the old state: ${incomparable}`]
      : differences.length === 0
        ? [`${what}: equal to the old state`]
        : differences.map(({ table, onlyHere, onlyThere }) => {
            return `${what}: ${table}: ${count(onlyHere)} rows only in the old state, ${count(onlyThere)} only in the new`;
          });
  return [`${what}, old ledger: ${ledger(before)}`, `${what}, new ledger: ${ledger(after)}`, ...compared];
}
