import { setTimeout as delay } from 'node:timers/promises';
import { Admin, FetchIsolationLevels, ListOffsetTimestamps, type BaseOptions } from '@platformatic/kafka';
import { SamsaError } from '../../errors.ts';
import { tombstoneRetentionMs } from '../../events/topics.ts';
import { closeClient, hearErrors } from './connection.ts';
import { hasBrokerError, kafkaError, topicUnknown } from './errors.ts';
import type { TopicDescription, TopicSettings } from '../log.ts';

export type KafkaTopic = {
  readonly id: string;
  /** The node that leads each partition; -1 where there is none now. */
  readonly leaders: readonly number[];
};

export type KafkaTopics = {
  /**
   * As known for at most 30 s, or asked `afresh`.
   * @throws SamsaError `topic-unknown`; as `kafkaError` when the cluster does not answer.
   */
  readonly find: (topic: string, how?: 'afresh') => Promise<KafkaTopic>;
  readonly describe: (topic: string) => Promise<TopicDescription>;
  readonly create: (topic: string, settings: TopicSettings) => Promise<void>;
  readonly close: (withinMs: number) => Promise<void>;
};

/** Kafka's word for as many copies as the brokers make unless told. */
const brokersOwn = -1;

/** How long a new topic may take until every partition has a leader. */
const createdWithinMs = 15_000;

/** @param replication of topics made here; `null` leaves it to the brokers. */
export function createKafkaTopics(
  options: BaseOptions,
  brokers: readonly string[],
  replication: number | null,
): KafkaTopics {
  const admin = new Admin(options);
  hearErrors(admin);

  const ask = async <Answer>(question: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await question();
    } catch (error) {
      throw kafkaError(brokers, error);
    }
  };

  const find = async (topic: string, how?: 'afresh' | 'afresh and once'): Promise<KafkaTopic> => {
    const retries = how === 'afresh and once' ? { retries: 0 } : {};
    const { topics } = await ask(() => admin.metadata({ topics: [topic], forceUpdate: how !== undefined, ...retries }));
    const found = topics.get(topic);
    if (found === undefined) throw topicUnknown(brokers, topic);
    return { id: found.id, leaders: found.partitions.map(({ leader }) => leader) };
  };

  const offsetsOf = async (
    topic: string,
    partitions: number,
    timestamp: bigint,
  ): Promise<ReadonlyMap<number, number>> => {
    const wanted = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp }));
    const answer = await ask(() =>
      admin.listOffsets({
        topics: [{ name: topic, partitions: wanted }],
        isolationLevel: FetchIsolationLevels.READ_COMMITTED,
      }),
    );
    const given = answer.flatMap((one) => one.partitions);
    return new Map(given.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]));
  };

  const untilLed = async (topic: string): Promise<void> => {
    const deadline = performance.now() + createdWithinMs;
    for (;;) {
      try {
        if ((await find(topic, 'afresh and once')).leaders.every((leader) => leader >= 0)) return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
      await delay(20);
    }
  };

  return {
    find,
    describe: async (topic) => {
      const { id, leaders } = await find(topic, 'afresh');
      const [starts, ends] = await Promise.all([
        offsetsOf(topic, leaders.length, ListOffsetTimestamps.EARLIEST),
        offsetsOf(topic, leaders.length, ListOffsetTimestamps.LATEST),
      ]);
      return { id, partitions: leaders.map((_, number) => ({ start: starts.get(number)!, end: ends.get(number)! })) };
    },
    create: async (topic, { partitions, retentionMs, compacted }) => {
      if (!Number.isInteger(partitions) || partitions < 1) {
        throw new SamsaError('bad-configuration', `${topic}: expected at least 1 partition, got ${partitions}`);
      }
      if (await exists(topic)) return;
      const policies = [...(compacted ? ['compact'] : []), ...(compacted && retentionMs === 0 ? [] : ['delete'])];
      const configs = [
        { name: 'cleanup.policy', value: policies.join(',') },
        { name: 'retention.ms', value: String(retentionMs === 0 ? -1 : retentionMs) },
        ...(compacted ? [{ name: 'delete.retention.ms', value: String(tombstoneRetentionMs) }] : []),
      ];
      const replicas = replication ?? brokersOwn;
      await ask(() => admin.createTopics({ topics: [topic], partitions, replicas, configs }).catch(unlessThere));
      await untilLed(topic);
    },
    close: (withinMs) => closeClient(admin, withinMs),
  };

  async function exists(topic: string): Promise<boolean> {
    try {
      await find(topic, 'afresh and once');
      return true;
    } catch (error) {
      if (error instanceof SamsaError && error.code === 'topic-unknown') return false;
      throw error;
    }
  }
}

function unlessThere(error: unknown): void {
  if (!hasBrokerError(error, ['TOPIC_ALREADY_EXISTS'])) throw error;
}
