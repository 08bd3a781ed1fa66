import { setTimeout as delay } from 'node:timers/promises';
import {
  Admin,
  ConfigResourceTypes,
  FetchIsolationLevels,
  ListOffsetTimestamps,
  type BaseOptions,
} from '@platformatic/kafka';
import { SamsaError } from '../../errors.ts';
import { tombstoneRetentionMs } from '../../events/topics.ts';
import { clientOptions, closeClient, ignoreConnectionErrors, type KafkaConnection } from './connection.ts';
import { hasBrokerError, kafkaError, topicUnknown } from './errors.ts';
import type { OpenTopicFacts, TopicDescription, TopicFacts, TopicSettings } from '../log.ts';

export type KafkaTopic = {
  readonly id: string;
  /** The node that leads each partition; -1 when none does at the moment. */
  readonly leaders: readonly number[];
};

export type KafkaTopics = {
  /**
   * At most 30 s old, or asked for `now`.
   * @throws SamsaError `topic-unknown`; as `kafkaError` when the cluster does not answer.
   */
  readonly find: (topic: string, how?: 'now') => Promise<KafkaTopic>;
  readonly describe: (topic: string) => Promise<TopicDescription>;
  readonly create: (topic: string, settings: TopicSettings) => Promise<void>;
  readonly close: (withinMs: number) => Promise<void>;
};

/** Kafka's number for the brokers' default. */
const brokersOwn = -1;

/** How long a new topic may take until every partition has a leader. */
const createdWithinMs = 15_000;

/** @param replication of new topics; `null` leaves it to the brokers. */
export function createKafkaTopics(
  options: BaseOptions,
  brokers: readonly string[],
  replication: number | null,
): KafkaTopics {
  const admin = new Admin(options);
  ignoreConnectionErrors(admin);

  const ask = async <Answer>(question: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await question();
    } catch (error) {
      throw kafkaError(brokers, error);
    }
  };

  const find = async (topic: string, how?: 'now' | 'now, once'): Promise<KafkaTopic> => {
    const retries = how === 'now, once' ? { retries: 0 } : {};
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
        if ((await find(topic, 'now, once')).leaders.every((leader) => leader >= 0)) return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
      await delay(20);
    }
  };

  return {
    find,
    describe: async (topic) => {
      const { id, leaders } = await find(topic, 'now');
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
      await find(topic, 'now, once');
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

const closeMs = 200;

/** As `openTopicFacts`, in a cluster. */
export function openKafkaTopicFacts(connection: KafkaConnection): OpenTopicFacts {
  const admin = new Admin(clientOptions(connection));
  ignoreConnectionErrors(admin);
  return {
    of: async (topic) => {
      try {
        return await factsOf(admin, topic);
      } catch (error) {
        const known = kafkaError(connection.brokers, error);
        if (known.code === 'topic-unknown') return null;
        throw known;
      }
    },
    close: () => closeClient(admin, closeMs),
  };
}

async function factsOf(admin: Admin, topic: string): Promise<TopicFacts | null> {
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true, retries: 0 });
  const found = topics.get(topic);
  if (found === undefined) return null;
  const settings = await settingsOf(admin, topic);
  const policies = (settings.get('cleanup.policy') ?? 'delete').split(',');
  const retentionMs = Number(settings.get('retention.ms') ?? -1);
  return {
    partitions: found.partitions.length,
    replication: found.partitions[0]?.replicas.length ?? null,
    retentionMs: policies.includes('delete') ? Math.max(retentionMs, 0) : 0,
    compacted: policies.includes('compact'),
  };
}

async function settingsOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string | null>> {
  const wanted = ['cleanup.policy', 'retention.ms'];
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: wanted };
  const [description] = await admin.describeConfigs({ resources: [resource] });
  return new Map(description?.configs.map(({ name, value }) => [name, value ?? null]));
}
