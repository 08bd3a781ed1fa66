import { existsSync, statSync } from 'node:fs';
import type { PartitionPosition } from '../progress/progress.ts';
import { openStateReader } from '../progress/open-state.ts';
import { locationName, type StoreLocation } from '../progress/state.ts';
import type { EventLog, TopicDescription } from '../log/log.ts';
import { openLog } from '../log/open-log.ts';
import { describeIfThere } from '../log/topic-rules.ts';
import { isBalanced, readSpools, type SpoolLedger } from '../log/spool/spool-file.ts';
import type { Config } from '../config/config.ts';
import type { CommandContext } from './command-context.ts';
import { freshnessOf, lagSeconds, ledgerOf, type LedgerRow } from '../projection/ledger.ts';
import { logLocation, shopFiles, stateLocations } from './state/shop-locations.ts';

type ProjectionStatus = {
  readonly name: string;
  /** The file, or the database and its tables. */
  readonly state: string;
  readonly lag_events: number;
  /** `null` while a partition has not been read at all. */
  readonly lag_seconds: number | null;
  /** How many wait for a decision. */
  readonly dead_letters: number;
  readonly balanced: boolean;
  readonly ledger: readonly LedgerRow[];
};

type TopicStatus = {
  readonly topic: string;
  /** 0 when it is missing. */
  readonly partitions: number;
  readonly first: number;
  readonly records: number;
};

/**
 * Shows how far every service has read and whether every event is accounted for. The shop may run meanwhile. Events
 * that wait on this disk are shown even while the Kafka cluster does not answer.
 * @returns 0 when every ledger balances and no topic is missing, else 1.
 * @throws SamsaError `store-unavailable` (retryable) where the log or a database does not answer.
 */
export async function statusCommand(
  { config, print }: CommandContext,
  options: { readonly json?: boolean },
): Promise<number> {
  const location = logLocation(config);
  if (location.kind === 'sqlite' && !existsSync(location.path)) {
    print(`no shop has been opened in ${config.data} yet; npm start opens one`);
    return 1;
  }
  const isJson = options.json === true;
  const spools = readSpools(shopFiles(config).spools);
  if (!isJson) for (const line of [...describeLocations(config), ...describeSpools(spools)]) print(line);
  const log = await openLog(location, { clock: Date.now, busyTimeoutMs: 1_000, makesTopics: false });
  try {
    const states = stateLocations(config);
    const projections = (await Promise.all(states.map((state) => projectionsIn(state.location, log)))).flat();
    const topics = await Promise.all(Object.values(config.mq.topics).map((topic) => topicStatus(log, topic)));
    if (isJson) print(JSON.stringify({ data: config.data, spools: spools.map(toJson), topics, projections }, null, 2));
    else for (const line of describeLedgers(topics, projections)) print(line);
    const isComplete = topics.every(({ partitions }) => partitions > 0);
    return isComplete && projections.every(({ balanced }) => balanced) && spools.every(isBalanced) ? 0 : 1;
  } finally {
    await log.close();
  }
}

async function topicStatus(log: EventLog, topic: string): Promise<TopicStatus> {
  const partitions = await partitionsOf(log, topic);
  const sum = (of: (partition: { start: number; end: number }) => number): number =>
    partitions.reduce((total, partition) => total + of(partition), 0);
  return {
    topic,
    partitions: partitions.length,
    first: sum(({ start }) => start),
    records: sum(({ start, end }) => end - start),
  };
}

/** None of a topic that is missing. */
async function partitionsOf(log: EventLog, topic: string): Promise<TopicDescription['partitions']> {
  return (await describeIfThere(log, topic))?.partitions ?? [];
}

/** Positions are read before the log's ends, so that a running shop never seems to be ahead of its log. */
async function projectionsIn(location: StoreLocation, log: EventLog): Promise<readonly ProjectionStatus[]> {
  await using stack = new AsyncDisposableStack();
  const state = await openStateReader(location);
  if (state === null) return [];
  stack.defer(state.close);
  const { positions, deadLetters } = await state.progress();
  return Promise.all(
    [...positions].map(async ([name, stored]) => {
      const endOf = await readEnds(log, stored);
      const ledger = ledgerOf(stored, endOf);
      const freshness = freshnessOf(
        stored.map((position) => ({ ...position, end: endOf(position.topic, position.partition) })),
        Date.now(),
      );
      return {
        name,
        state: locationName(location),
        lag_events: freshness.lagEvents,
        lag_seconds: lagSeconds(freshness),
        dead_letters: deadLetters.get(name) ?? 0,
        balanced: ledger.every(({ balanced }) => balanced),
        ledger,
      };
    }),
  );
}

async function readEnds(
  log: EventLog,
  positions: readonly PartitionPosition[],
): Promise<(topic: string, partition: number) => number> {
  const ends = new Map<string, readonly { readonly end: number }[]>();
  for (const { topic } of positions) {
    if (!ends.has(topic)) ends.set(topic, await partitionsOf(log, topic));
  }
  return (topic, partition) => ends.get(topic)?.[partition]?.end ?? 0;
}

function toJson({ setAside, waitingBytes, oldestMs, ...row }: SpoolLedger) {
  return { ...row, set_aside: setAside, waiting_bytes: waitingBytes, oldest_ms: oldestMs };
}

function describeLocations(config: Config): readonly string[] {
  const lines = [`data folder ${config.data}`];
  const { spools: _, ...files } = shopFiles(config);
  for (const [name, file] of Object.entries(files)) {
    if (existsSync(file)) lines.push(`  ${name.padEnd(16)}${(statSync(file).size / 1e6).toFixed(1).padStart(9)} MB`);
  }
  for (const { name, location } of stateLocations(config)) {
    if (location.kind === 'mysql') lines.push(`  ${name.padEnd(16)} ${locationName(location)}`);
  }
  return lines;
}

function describeSpools(spools: readonly SpoolLedger[]): readonly string[] {
  if (spools.length === 0) return [];
  const lines = ['', row('spool', ['accepted', 'relayed', 'dropped', 'set aside', 'waiting', 'ledger'])];
  for (const ledger of spools) {
    const { topic, accepted, relayed, dropped, setAside, waiting } = ledger;
    const balance = isBalanced(ledger) ? 'balanced' : 'UNBALANCED';
    lines.push(row(topic, [accepted, relayed, dropped, setAside, waiting, balance]));
  }
  return lines;
}

function describeLedgers(topics: readonly TopicStatus[], projections: readonly ProjectionStatus[]): readonly string[] {
  const lines = ['', row('topic', ['partitions', 'records'])];
  for (const { topic, partitions, records } of topics) {
    lines.push(
      partitions > 0 ? row(topic, [partitions, records]) : `${topic.padEnd(22)} missing: samsa topics makes it`,
    );
  }
  const outcomes = ['applied', 'duplicate', 'dead', 'late', 'gap', 'compacted'] as const;
  lines.push('', row('projection', [...outcomes, 'lag', 'lag s', 'ledger']));
  for (const { name, ledger, lag_events, lag_seconds, balanced } of projections) {
    const totals = outcomes.map((outcome) => ledger.reduce((sum, partition) => sum + partition.outcomes[outcome], 0));
    lines.push(row(name, [...totals, lag_events, lag_seconds ?? '-', balanced ? 'balanced' : 'UNBALANCED']));
  }
  for (const { name, dead_letters } of projections) {
    if (dead_letters > 0) lines.push(`${name}: ${dead_letters} dead letters wait: samsa dead-letters list`);
  }
  return lines;
}

function row(name: string, cells: readonly (string | number)[]): string {
  return `${name.padEnd(22)}${cells.map((cell) => String(cell).padStart(11)).join('')}`;
}
