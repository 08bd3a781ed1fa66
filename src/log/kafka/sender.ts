import {
  kMetadata,
  ProduceAcks,
  Producer,
  UserError,
  type CallbackWithPromise,
  type ClusterMetadata,
  type MetadataOptions,
} from '@platformatic/kafka';
import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { backoffMs } from '../../runtime/waiting.ts';
import { clientOptions, closeClient, ignoreConnectionErrors, type KafkaConnection } from './connection.ts';
import { toMessage } from './records.ts';

export type KafkaSender = {
  /**
   * Appends records of one topic to one partition, all or none. Tries as often as needed, and appends nothing twice.
   * Calls for one partition are sent one after the other.
   * @throws the client's error, which `kafkaError` translates: to `topic-replaced` when the partition no longer
   *   exists.
   */
  readonly send: (partition: number, records: readonly NewRecord[]) => Promise<void>;
  /** Resolves when no send is in progress. */
  readonly drain: () => Promise<void>;
  /** Gives up sends in progress. */
  readonly close: (withinMs: number) => Promise<void>;
};

/** How long the client relies on its metadata. */
const metadataMaxAge = 60_000;
/** Metadata older than this is refreshed before a send, so that the client itself never has to. */
const askedAfterMs = 30_000;
const retiredWithinMs = 2_000;

/** The client's sequence numbers end at 2^31 and do not wrap, so a new producer takes over long before. */
const mostRecords = 2 ** 30;

/**
 * @param clock what records are stamped with when they are sent.
 * @param recordsPerProducer how many records go out under one producer id.
 */
export function createKafkaSender(
  connection: KafkaConnection,
  clock: () => number,
  recordsPerProducer = mostRecords,
): KafkaSender {
  let current = createProducer(connection);
  const producers = new Set([current]);
  /** The last call for each partition, which never fails. */
  const underWay = new Map<string, Promise<void>>();
  let sent = 0;

  const retireIfIdle = (producer: GuardedProducer): void => {
    if (producer === current || producer.destinations.size > 0) return;
    producers.delete(producer);
    void closeClient(producer, retiredWithinMs);
  };

  const producerFor = (records: number): GuardedProducer => {
    sent += records;
    if (sent > recordsPerProducer) {
      const former = current;
      current = createProducer(connection);
      producers.add(current);
      sent = records;
      retireIfIdle(former);
    }
    return current;
  };

  const sendNow = async (destination: Destination, records: readonly NewRecord[]): Promise<void> => {
    const producer = producerFor(records.length);
    producer.destinations.add(destination);
    try {
      // The client takes its producer id, then asks for metadata, then takes the batch's sequence number. If a send
      // to another partition fails while it waits for metadata, all sequences are reset, and the brokers drop this
      // batch as a repeat. So metadata is asked for before.
      await producer.metadata({ topics: [destination.topic], metadataMaxAge: askedAfterMs });
      const nowMs = clock();
      await producer.send({ messages: records.map((one) => toMessage(one, destination.partition, nowMs)) });
    } finally {
      producer.destinations.delete(destination);
      retireIfIdle(producer);
    }
  };

  return {
    send: (partition, records) => {
      const { topic } = records[0]!;
      const name = `${partition} ${topic}`;
      const sending = (underWay.get(name) ?? Promise.resolve()).then(() => sendNow({ topic, partition }, records));
      underWay.set(
        name,
        sending.catch(() => {}),
      );
      return sending;
    },
    drain: async () => {
      await Promise.all(underWay.values());
    },
    close: async (withinMs) => {
      await Promise.all([...producers].map((producer) => closeClient(producer, withinMs)));
    },
  };
}

type Destination = { readonly topic: string; readonly partition: number };

/**
 * When a topic was created again with fewer partitions, the client throws where nobody can catch it. Here every send in
 * progress to such a topic fails instead.
 */
class GuardedProducer extends Producer<Buffer | null, Buffer | null> {
  readonly destinations = new Set<Destination>();
  readonly #brokers: readonly string[];

  constructor(
    options: ConstructorParameters<typeof Producer<Buffer | null, Buffer | null>>[0],
    brokers: readonly string[],
  ) {
    super(options);
    this.#brokers = brokers;
  }

  override [kMetadata](options: MetadataOptions, callback: CallbackWithPromise<ClusterMetadata>): void {
    super[kMetadata](options, (error, metadata) => {
      const gone = error ? undefined : this.#goneIn(metadata!);
      if (gone === undefined) callback(error, metadata);
      else callback(new UserError(gone.message, { cause: gone }), undefined);
    });
  }

  #goneIn({ topics }: ClusterMetadata): SamsaError | undefined {
    for (const { topic, partition } of this.destinations) {
      const count = topics.get(topic)?.partitionsCount;
      if (count !== undefined && partition >= count) return partitionGone(this.#brokers, topic, partition);
    }
    return undefined;
  }
}

export function partitionGone(brokers: readonly string[], topic: string, partition: number): SamsaError {
  return new SamsaError(
    'topic-replaced',
    `Kafka at ${brokers.join(', ')}: expected ${topic} to have a partition ${partition}, as it had before. ` +
      'It was deleted and created again: restart to send its records to the new one.',
  );
}

/** Endless retries keep the producer's id and sequence numbers, by which brokers drop what they already have. */
function createProducer(connection: KafkaConnection): GuardedProducer {
  const options = {
    ...clientOptions(connection),
    idempotent: true,
    acks: ProduceAcks.ALL,
    producerId: -1n,
    producerEpoch: -1,
    autocreateTopics: false,
    metadataMaxAge,
    requestTimeout: 10_000,
    retries: 1_000_000,
    retryDelay: (_client: unknown, _operation: string, attempt: number, _retries: number, error: Error) =>
      retryAfterMs(attempt, error),
  };
  const producer = new GuardedProducer(options, connection.brokers);
  ignoreConnectionErrors(producer);
  return producer;
}

/** After this many attempts, about ten minutes, an outage counts as long. */
const longOutage = 600;

/**
 * How long to wait before the next attempt. The client keeps the errors of all attempts, which would be gigabytes after
 * hours: only their messages are left.
 */
export function retryAfterMs(attempt: number, error: Error): number {
  // Deleting the property would not free the stack.
  Object.assign(error, { stack: undefined, cause: undefined });
  if (error instanceof AggregateError) error.errors = [];
  return backoffMs(attempt, { firstMs: 100, mostMs: attempt < longOutage ? 1_000 : 5_000 });
}
