import { Consumer } from '@platformatic/kafka';
import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { within } from '../../runtime/waiting.ts';
import { createAddressing, publishFitting } from './addressing.ts';
import { clientOptions, closeClient, hearErrors, type KafkaConnection } from './connection.ts';
import { kafkaError } from './errors.ts';
import { createKafkaFetcher } from './fetcher.ts';
import { createPublisher, type Failure } from './publisher.ts';
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

/** The log with what a relay needs, which decides partitions itself. */
export type KafkaLog = EventLog & {
  /** How many partitions a topic has, as known for at most 30 s. @throws SamsaError as `describe`. */
  readonly partitionsOf: (topic: string) => Promise<number>;
  /**
   * Appends records to partitions that were decided before, and resolves with what became of each. What comes after one
   * that failed was not appended either, unless that one failed for what it is; of another call it may have been: never
   * give any before the ones ahead of them are answered.
   * @throws SamsaError `topic-unknown`, `log-closed`; `topic-replaced` when there is no such partition (any more);
   *   `log-unavailable` (retryable) when too much waits or no broker answers. Nothing was appended then.
   */
  readonly appendTo: (partition: number, records: readonly NewRecord[]) => Promise<readonly Failure[]>;
};

const awaitMs = 300;
const closeWithinMs = 2_500;
const goodbyeMs = 200;

/**
 * The event log in Apache Kafka. Nothing is connected before the first use. `append` goes on trying through an outage,
 * however long, with nothing appended twice; whoever cannot wait that long keeps records elsewhere first. A call that
 * `close` gave up on after 2.5 s fails with `log-unavailable`, and may have been appended.
 *
 * `append` also throws `bad-event` (not retryable) where a record is too large or Kafka refused it for what it is: a
 * call refused for its size before it was sent has appended nothing, else other records of the call may be in the log.
 * All members throw `log-unavailable`: retryable when no broker answers, not retryable when brokers refuse the user,
 * the password or access.
 * @throws SamsaError `bad-configuration`.
 */
export function openKafkaLog(options: KafkaLogOptions): KafkaLog {
  const { brokers, clock } = options;
  const shared = clientOptions(options);
  const topics = createKafkaTopics(shared, brokers, options.replication ?? null);
  const consumers = [0, 1].map(() => new Consumer({ ...shared, groupId: shared.clientId, autocommit: false }));
  for (const consumer of consumers) hearErrors(consumer);
  const sender = createKafkaSender(options, clock);
  const closedError = (): SamsaError =>
    new SamsaError('log-closed', `Kafka at ${brokers.join(', ')}: the log has been closed`);

  const [asking, awaiting] = consumers.map((consumer, index) =>
    createRangeFetch(topics, createKafkaFetcher(consumer, index * awaitMs), brokers),
  );
  const reader = createKafkaReader({ ask: asking!, await: awaiting!, awaitMs });
  const publisher = createPublisher({
    send: async (partition, records) => {
      try {
        await sender.send(partition, records);
      } catch (error) {
        throw closing === null ? kafkaError(brokers, error) : closedTooEarly(brokers, error);
      }
    },
    refusesRecords: (error) => error instanceof SamsaError && error.code === 'bad-event',
    limitRecords: options.waitingRecords ?? 50_000,
    limitBytes: options.waitingBytes ?? 64 << 20,
  });
  const address = createAddressing(topics);
  let entering: Promise<unknown> = Promise.resolve();
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
    await Promise.all(consumers.map((consumer) => closeClient(consumer, goodbyeMs)));
    await within(closeWithinMs, entering.then(publisher.drain));
    await Promise.all([sender.close(goodbyeMs), topics.close(goodbyeMs)]);
  };

  return {
    append: (records) =>
      whileOpen(async () => {
        if (records.length === 0) return;
        // One call after the other: a topic that is looked up must not be overtaken by one that is known.
        const entered = entering.then(async () => ({ answered: publisher.publish(await address(records)) }));
        entering = entered.catch(() => {});
        const failure = (await (await entered).answered).find((one) => one !== null);
        if (failure) throw failure.error;
      }),
    partitionsOf: (topic) => whileOpen(async () => (await topics.find(topic)).leaders.length),
    appendTo: (partition, records) =>
      whileOpen(async () => {
        for (const topic of new Set(records.map((record) => record.topic))) {
          if (partition >= (await topics.find(topic)).leaders.length) throw partitionGone(brokers, topic, partition);
        }
        return publishFitting(publisher, partition, records);
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
