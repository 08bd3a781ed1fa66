import type { Chore } from '../sqlite/checkpoints.ts';
import { openSqlite } from '../sqlite/connection.ts';
import type { SamsaError } from '../errors.ts';
import { topicRetention, type TopicNames } from '../events/topics.ts';
import type { KafkaConnection } from './kafka/connection.ts';
import { keepTrying, onlyChanges, retry } from '../runtime/waiting.ts';
import type { ShownOffsetsOptions } from './kafka/log.ts';
import type { EventLog, OpenTopicFacts } from './log.ts';
import { defaultPatienceMs, logSignalName, openSqliteLog, type SqliteLogOptions } from './sqlite/log.ts';
import { logMigrations, readTopicFacts } from './sqlite/topics.ts';
import { shareThreadSignal } from '../runtime/threads.ts';
import type { SpoolLedger } from './spool/spool-file.ts';
import type { SpoolOptions, SpoolProblem } from './spool/spooled-log.ts';

/** Where a shop's events are kept: plain data, also for worker threads. */
export type LogLocation = {
  readonly topics: TopicNames;
  /** Of topics that are not there yet. */
  readonly partitions: number;
} & (
  | { readonly kind: 'sqlite'; /** The file. */ readonly path: string }
  | ({ readonly kind: 'kafka'; /** As `KafkaLogOptions`. */ readonly replication: number | null } & KafkaConnection)
);

type LogOptions = SqliteLogOptions & {
  /**
   * For services, which start even while the cluster does not answer. Called with the reason why missing topics cannot
   * be created yet, once per kind of trouble, and with `null` when that is over. Without it, the trouble is thrown.
   */
  readonly onProblem?: (problem: SamsaError | null) => void;
  /** False for a command that only looks. Default: true. */
  readonly makesTopics?: boolean;
};

/**
 * Opens the shop's event log, and creates those of its four topics that are missing, unless `makesTopics` is false.
 * @throws SamsaError `data-folder-unusable`, `state-too-new`, `bad-configuration`, or `log-unavailable` when others
 *   kept an embedded log busy for too long, or no broker answers and there is no `onProblem`.
 */
export async function openLog(location: LogLocation, options: LogOptions): Promise<EventLog> {
  return location.kind === 'kafka' ? openClusterLog(location, options) : openEmbeddedLog(location, options);
}

async function openEmbeddedLog(
  location: Extract<LogLocation, { kind: 'sqlite' }>,
  options: LogOptions,
): Promise<EventLog> {
  const log = await retry(() => openSqliteLog(location.path, options), {
    withinMs: options.patienceMs ?? defaultPatienceMs,
  });
  return options.makesTopics === false ? log : closedUnless(log, createTopics(log, location));
}

const topicsBackoff = { firstMs: 500, mostMs: 10_000 };

/** The client is loaded only where there is a cluster: it takes a while, and memory. */
async function openClusterLog(
  { replication, ...location }: Extract<LogLocation, { kind: 'kafka' }>,
  { clock, onProblem, makesTopics }: LogOptions,
): Promise<EventLog> {
  const { openKafkaLog } = await import('./kafka/log.ts');
  const log = openKafkaLog({ ...location, replication, clock });
  if (makesTopics === false) return log;
  if (onProblem === undefined) return closedUnless(log, createTopics(log, location));
  const closing = new AbortController();
  void keepTrying(() => createTopics(log, location), onlyChanges(onProblem), closing.signal, topicsBackoff);
  return {
    ...log,
    close: async () => {
      closing.abort();
      await log.close();
    },
  };
}

async function createTopics(
  log: EventLog,
  { topics, partitions }: Pick<LogLocation, 'topics' | 'partitions'>,
): Promise<void> {
  for (const name of ['searches', 'actions', 'changes', 'operator'] as const) {
    await log.create(topics[name], { partitions, ...topicRetention[name] });
  }
}

async function closedUnless(log: EventLog, ready: Promise<void>): Promise<EventLog> {
  try {
    await ready;
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/**
 * Call it before starting threads that will open the log: only then do they notice each other's appends at once.
 * Threads started by a thread that has opened the log need no call; all others notice appends within about 10 ms.
 */
export function shareLogSignal(): void {
  shareThreadSignal(logSignalName);
}

/** Work for the checkpoint thread that keeps an embedded log from growing for ever. Brokers do this themselves. */
export function logChores(location: LogLocation): readonly Chore[] {
  if (location.kind !== 'sqlite') return [];
  const module = new URL('./sqlite/retention.ts', import.meta.url).href;
  return [{ module, argument: location.path, everyMs: 60_000 }];
}

/** Opens a view of how topics are kept. Changes nothing. @throws SamsaError as `openLog` does. */
export async function openTopicFacts(location: LogLocation): Promise<OpenTopicFacts> {
  if (location.kind === 'kafka') return (await import('./kafka/topics.ts')).openKafkaTopicFacts(location);
  const database = openSqlite(location.path, { migrations: logMigrations, busyTimeoutMs: 1_000 });
  return {
    of: async (topic) => readTopicFacts(database, topic),
    close: async () => database.close(),
  };
}

/**
 * Publishes every few seconds how far a projection has read, as the committed offsets of the group `samsa-<group id>`,
 * so that Kafka's tools show its lag. Nothing here reads them back, and no other group's offsets are written. When
 * brokers refuse, it tries again. An embedded log has no such tools.
 */
export function openShownOffsets(
  location: LogLocation,
  options: ShownOffsetsOptions,
): { readonly close: () => Promise<void> } {
  if (location.kind !== 'kafka') return { close: async () => {} };
  const stopping = new AbortController();
  const showing = import('./kafka/log.ts').then(({ showInGroup }) => showInGroup(location, options, stopping.signal));
  return {
    close: () => {
      stopping.abort();
      return showing;
    },
  };
}

export type LogWithSpool = {
  /** The log itself: `append` waits for it. */
  readonly log: EventLog;
  /** For what readers do: `append` resolves when the records are on this machine's disk, even if no cluster answers. */
  readonly spooled: EventLog;
  /** Empty when the log itself is on this machine's disk. */
  readonly ledger: () => readonly SpoolLedger[];
  readonly problems: () => readonly SpoolProblem[];
  readonly close: () => Promise<void>;
};

/**
 * Opens the shop's log as `openLog` does, for a service whose callers must not wait for a cluster: with a spool in
 * front where there is one. An embedded log needs none.
 * @throws SamsaError as `openLog` and `openSpooledLog`.
 */
export async function openLogWithSpool(
  location: LogLocation,
  options: LogOptions & Required<Pick<LogOptions, 'sync'>>,
  spool: Pick<SpoolOptions, 'folder' | 'limitBytes' | 'overflow' | 'onProblem' | 'onSetAside'>,
): Promise<LogWithSpool> {
  const log = await openLog(location, options);
  if (location.kind === 'sqlite') {
    return { log, spooled: log, ledger: () => [], problems: () => [], close: log.close };
  }
  try {
    const { openSpooledLog } = await import('./spool/spooled-log.ts');
    const topics = [location.topics.searches, location.topics.actions];
    const spooled = await openSpooledLog(log, { ...options, ...spool, topics, kafka: location });
    return { log, spooled, ledger: spooled.ledger, problems: spooled.problems, close: spooled.close };
  } catch (error) {
    await log.close();
    throw error;
  }
}
