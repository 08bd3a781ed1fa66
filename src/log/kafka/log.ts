import { once } from 'node:events';
import { Admin, Consumer } from '@platformatic/kafka';
import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { pause, within } from '../../runtime/waiting.ts';
import { createKafkaAppender, sizeOf } from './appender.ts';
import { clientOptions, closeClient, ignoreConnectionErrors, type KafkaConnection } from './connection.ts';
import { kafkaError } from './errors.ts';
import { createKafkaFetcher } from './fetcher.ts';
import { createRangeFetch } from './ranges.ts';
import { createKafkaReader } from './reader.ts';
import { createKafkaSender, partitionGone } from './sender.ts';
import { createKafkaTopics } from './topics.ts';
import type { EventLog } from '../log.ts';

export type KafkaLogOptions = KafkaConnection & {
  /** How many copies brokers keep of topics made here; their own default unless given. */
  readonly replication?: number | null;
  /** What records are stamped with when they are sent. */
  readonly clock: () => number;
  /** How many records may wait for their acknowledgement; 50,000 unless given. */
  readonly waitingRecords?: number;
  /** How many bytes may wait for it; 64 MiB unless given. */
  readonly waitingBytes?: number;
};

/** The log, with what a relay needs to choose partitions itself. */
export type KafkaLog = EventLog & {
  /** How many partitions a topic has; at most 30 s old. @throws SamsaError as `describe`. */
  readonly partitionsOf: (topic: string) => Promise<number>;
  /**
   * Appends records of one topic to a partition that was decided before, all or none.
   * @throws SamsaError `bad-event` when one of them is too large or refused because of its content; `topic-unknown`,
   *   `log-closed`; `topic-replaced` when the partition no longer exists; `log-unavailable`.
   */
  readonly appendTo: (partition: number, records: readonly NewRecord[]) => Promise<void>;
};

const awaitMs = 300;
const closeWithinMs = 2_500;
const closeMs = 200;

/**
 * The event log in Apache Kafka. It connects at the first use. `append` retries through an outage of any length, and
 * appends nothing twice; callers that cannot wait that long put a spool in front. `close` waits 2.5 s for appends in
 * progress; then they fail with `log-unavailable`, and may have been appended.
 *
 * `append` also throws `bad-event` (not retryable). If a record is too large, nothing was appended. If Kafka refused a
 * record because of its content, other records of the call may be in the log.
 * All members throw `log-unavailable`: retryable when no broker answers, not retryable when brokers refuse the user,
 * the password or access.
 * @throws SamsaError `bad-configuration`.
 */
export function openKafkaLog(options: KafkaLogOptions): KafkaLog {
  const { brokers, clock } = options;
  const shared = clientOptions(options);
  const topics = createKafkaTopics(shared, brokers, options.replication ?? null);
  const consumers = [0, 1].map(() => new Consumer({ ...shared, groupId: shared.clientId, autocommit: false }));
  for (const consumer of consumers) ignoreConnectionErrors(consumer);
  const sender = createKafkaSender(options, clock);
  const closedError = (): SamsaError =>
    new SamsaError('log-closed', `Kafka at ${brokers.join(', ')}: the log has been closed`);

  const [asking, awaiting] = consumers.map((consumer, index) =>
    createRangeFetch(topics, createKafkaFetcher(consumer, index * awaitMs), brokers),
  );
  const reader = createKafkaReader({ ask: asking!, await: awaiting!, awaitMs });
  const send = async (partition: number, records: readonly NewRecord[]): Promise<void> => {
    try {
      await sender.send(partition, records);
    } catch (error) {
      throw closing === null ? kafkaError(brokers, error) : closedTooEarly(brokers, error);
    }
  };
  const appender = createKafkaAppender({
    topics,
    send,
    limitRecords: options.waitingRecords ?? 50_000,
    limitBytes: options.waitingBytes ?? 64 << 20,
  });
  let closing: Promise<void> | null = null;

  const whileOpen = async <Result>(use: () => Promise<Result>): Promise<Result> => {
    if (closing !== null) throw closedError();
    try {
      return await use();
    } catch (error) {
      throw closing !== null && !(error instanceof SamsaError) ? closedError() : kafkaError(brokers, error);
    }
  };

  const close = async (): Promise<void> => {
    reader.close(closedError());
    await Promise.all(consumers.map((consumer) => closeClient(consumer, closeMs)));
    await within(closeWithinMs, appender.drain().then(sender.drain));
    await Promise.all([sender.close(closeMs), topics.close(closeMs)]);
  };

  return {
    append: (records) =>
      whileOpen(async () => {
        if (records.length > 0) await appender.append(records);
      }),
    partitionsOf: (topic) => whileOpen(async () => (await topics.find(topic)).leaders.length),
    appendTo: (partition, records) =>
      whileOpen(async () => {
        const { topic } = records[0]!;
        if (partition >= (await topics.find(topic)).leaders.length) throw partitionGone(brokers, topic, partition);
        for (const record of records) sizeOf(record);
        await send(partition, records);
      }),
    read: (request) => whileOpen(() => reader.read(request)),
    describe: (topic) => whileOpen(() => topics.describe(topic)),
    create: (topic, settings) => whileOpen(() => topics.create(topic, settings)),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function closedTooEarly(brokers: readonly string[], error: unknown): SamsaError {
  return new SamsaError(
    'log-unavailable',
    `the log was closed before Kafka at ${brokers.join(', ')} acknowledged a record: it may have been appended. Append it again.`,
    { retryable: true, cause: error },
  );
}

type NextOffset = { readonly topic: string; readonly partition: number; readonly next: number };

export type ShownOffsetsOptions = {
  /**
   * The offsets are published under `samsa-<group id>`, because another program may use the offsets of `<group id>`.
   */
  readonly groupId: string;
  /** Where every partition stands now. */
  readonly offsets: () => readonly NextOffset[];
  /** 5,000 unless given. */
  readonly everyMs?: number;
};

/** The committed offsets of a group that has no members. */
function openGroupOffsets(connection: KafkaConnection, groupId: string) {
  const admin = new Admin(clientOptions(connection));
  ignoreConnectionErrors(admin);
  return {
    /** @returns whether the brokers took them. */
    commit: async (offsets: readonly NextOffset[]): Promise<boolean> => {
      const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, of]) => ({
        name,
        partitionOffsets: of.map(({ partition, next }) => ({ partition, offset: BigInt(next) })),
      }));
      try {
        await admin.alterConsumerGroupOffsets({ groupId, topics });
        return true;
      } catch {
        return false;
      }
    },
    close: () => closeClient(admin, closeMs),
  };
}

/** As `openShownOffsets`, in a cluster. Resolves when `signal` has fired, also while no broker answers. */
export async function showInGroup(
  connection: KafkaConnection,
  { groupId, offsets, everyMs = 5_000 }: ShownOffsetsOptions,
  signal: AbortSignal,
): Promise<void> {
  const group = openGroupOffsets(connection, `samsa-${groupId}`);
  const stopped = once(signal, 'abort').then(() => false);
  let shown = new Map<string, number>();
  while (!signal.aborted) {
    const moved = offsets().filter(({ topic, partition, next }) => shown.get(`${topic}/${partition}`) !== next);
    if (moved.length > 0 && (await Promise.race([group.commit(moved), stopped]))) {
      shown = new Map([
        ...shown,
        ...moved.map(({ topic, partition, next }) => [`${topic}/${partition}`, next] as const),
      ]);
    }
    await pause(everyMs, signal);
  }
  await group.close();
}
