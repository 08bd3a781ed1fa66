import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import { clientOptions, closeClient, hearErrors, type KafkaConnection } from './connection.ts';
import { kafkaError } from './errors.ts';
import type { OpenTopicFacts, TopicFacts } from '../topic-facts.ts';

const goodbyeMs = 200;

/** As `openTopicFacts`, in a cluster. */
export function openKafkaTopicFacts(connection: KafkaConnection): OpenTopicFacts {
  const admin = new Admin(clientOptions(connection));
  hearErrors(admin);
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
    close: () => closeClient(admin, goodbyeMs),
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
