import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import { SamsaError } from '../errors.ts';
import type { TopicFacts } from './inspect-topics.ts';
import { clientOptions, closeClient, hearErrors, type KafkaConnection } from './kafka-connection.ts';
import { kafkaError } from './kafka-errors.ts';

const goodbyeMs = 200;

/** As `inspectTopics`, in a cluster. */
export async function inspectKafkaTopics(
  connection: KafkaConnection,
  names: readonly string[],
): Promise<ReadonlyMap<string, TopicFacts | null>> {
  const admin = new Admin(clientOptions(connection));
  hearErrors(admin);
  try {
    const facts = new Map<string, TopicFacts | null>();
    for (const name of names) facts.set(name, await inspect(admin, connection.brokers, name));
    return facts;
  } finally {
    await closeClient(admin, goodbyeMs);
  }
}

async function inspect(admin: Admin, brokers: readonly string[], topic: string): Promise<TopicFacts | null> {
  try {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true, retries: 0 });
    const found = topics.get(topic);
    if (found === undefined) return null;
    const settings = await settingsOf(admin, topic);
    const retentionMs = Number(settings.get('retention.ms') ?? -1);
    const policies = (settings.get('cleanup.policy') ?? 'delete').split(',');
    return {
      partitions: found.partitions.length,
      replication: found.partitions[0]?.replicas.length ?? null,
      retentionMs: policies.includes('delete') ? Math.max(retentionMs, 0) : 0,
      compacted: policies.includes('compact'),
    };
  } catch (error) {
    const known = kafkaError(brokers, error);
    if (known instanceof SamsaError && known.code === 'topic-unknown') return null;
    throw known;
  }
}

async function settingsOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string | null>> {
  const wanted = ['cleanup.policy', 'retention.ms'];
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: wanted };
  const [description] = await admin.describeConfigs({ resources: [resource] });
  return new Map(description?.configs.map(({ name, value }) => [name, value ?? null]));
}
