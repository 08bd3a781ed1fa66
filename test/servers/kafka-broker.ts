import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { freePorts } from '../support/free-ports.ts';
import { createKafkaNode, type KafkaNode } from './kafka-node.ts';
import { kafkaJars } from './kafka-jars.ts';
import { createKeystore, serverProperties, type NodePorts, type Sasl } from './kafka-settings.ts';

type BrokerOptions = {
  readonly nodes?: 1 | 3;
  /** Default: no login. */
  readonly sasl?: Sasl;
  readonly tls?: boolean;
};

/** An Apache Kafka cluster for tests, on free loopback ports. Nodes are numbered from 0. */
export type Broker = {
  /** `host:port` of each node. */
  readonly brokers: readonly string[];
  /** The certificate that clients must trust, as PEM; `null` without TLS. */
  readonly certificate: string | null;
  /** Holds the data of all nodes. */
  readonly folder: string;
  readonly node: (id: number) => KafkaNode;
  /** All nodes. */
  readonly kill: () => Promise<void>;
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Starts nodes that are not running, on the same data, and waits until the cluster answers. */
  readonly restart: () => Promise<void>;
  readonly createTopic: (
    topic: string,
    partitions: number,
    configs?: Readonly<Record<string, string>>,
  ) => Promise<void>;
  /** Changes settings of a topic. */
  readonly setTopic: (topic: string, configs: Readonly<Record<string, string>>) => Promise<void>;
  /** Raises the number of partitions to this. */
  readonly addPartitions: (topic: string, partitions: number) => Promise<void>;
  readonly deleteTopic: (topic: string) => Promise<void>;
  /** Deletes all records of a topic, as retention would. */
  readonly deleteRecords: (topic: string) => Promise<void>;
  /** Which node leads a partition; −1 while none does. */
  readonly leaderOf: (topic: string, partition: number) => Promise<number>;
  /** Which nodes keep a copy of a partition. */
  readonly replicasOf: (topic: string, partition: number) => Promise<readonly number[]>;
  /** Kills all nodes and removes their data. */
  readonly stop: () => Promise<void>;
};

const readyWithinMs = 60_000;
const clusterId = Buffer.from('samsa-test-kafka').toString('base64url');

/** @throws Error when there is no Java, no jars, or no answer within a minute. Never skips. */
export async function startBroker({ nodes: count = 1, sasl, tls = false }: BrokerOptions = {}): Promise<Broker> {
  const folder = makeTemporaryFolder();
  const keystore = tls ? createKeystore(folder) : undefined;
  const ports = await portsOf(count);
  const nodes = await Promise.all(
    ports.map(async (_, id) => {
      const home = join(folder, String(id));
      mkdirSync(home);
      const settingsPath = join(home, 'server.properties');
      writeFileSync(settingsPath, serverProperties({ id, folder: home, ports, sasl, keystore }));
      await format(settingsPath, sasl);
      return createKafkaNode(settingsPath);
    }),
  );
  const brokers = ports.map(({ client }) => `127.0.0.1:${client}`);
  const connect = (): Admin =>
    new Admin({
      clientId: 'samsa-tests',
      bootstrapBrokers: [...brokers],
      retries: 5,
      retryDelay: 200,
      connectTimeout: 2_000,
      requestTimeout: 10_000,
      ...(sasl && { sasl }),
      ...(keystore && { tls: { ca: keystore.certificate } }),
    });
  const cluster = createCluster(brokers, nodes, connect);
  const stop = async (): Promise<void> => {
    await cluster.kill();
  };
  try {
    await cluster.restart();
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...cluster, brokers, certificate: keystore?.certificate ?? null, folder, node: (id) => nodes[id]!, stop };
}

function createCluster(
  brokers: readonly string[],
  nodes: readonly KafkaNode[],
  connect: () => Admin,
): Omit<Broker, 'brokers' | 'certificate' | 'folder' | 'node' | 'stop'> {
  const ask = async <Answer>(question: (admin: Admin) => Promise<Answer>): Promise<Answer> => {
    const admin = connect();
    try {
      return await question(admin);
    } finally {
      await admin.close();
    }
  };
  const partitionOf = (topic: string, partition: number) =>
    ask(async (admin) => (await admin.metadata({ topics: [topic] })).topics.get(topic)!.partitions[partition]!);
  const answers = async (): Promise<boolean> => {
    const dead = nodes.find((node) => !node.running());
    if (dead !== undefined) throw new Error(`a broker ended instead of answering:\n${dead.output()}`);
    try {
      const { brokers: alive } = await ask((admin) => admin.metadata({ topics: [], retries: 0 }));
      return alive.size === nodes.length;
    } catch {
      return false;
    }
  };
  return {
    kill: async () => {
      await Promise.all(nodes.map((node) => node.kill()));
    },
    freeze: () => nodes.forEach((node) => node.freeze()),
    thaw: () => nodes.forEach((node) => node.thaw()),
    restart: async () => {
      await Promise.all(nodes.filter((node) => !node.running()).map((node) => node.start()));
      await until(`a broker answers at ${brokers.join(', ')}`, answers, readyWithinMs);
    },
    createTopic: async (topic, partitions, configs = {}) => {
      const settings = Object.entries(configs).map(([name, value]) => ({ name, value }));
      await ask((admin) => admin.createTopics({ topics: [topic], partitions, replicas: -1, configs: settings }));
      await until(`${topic} has leaders`, () => ask((admin) => isLed(admin, topic, partitions)));
    },
    setTopic: (topic, configs) => {
      const settings = Object.entries(configs).map(([name, value]) => ({ name, value }));
      const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs: settings };
      return ask((admin) => admin.alterConfigs({ resources: [resource] }));
    },
    addPartitions: async (topic, partitions) => {
      await ask((admin) =>
        admin.createPartitions({ topics: [{ name: topic, count: partitions, assignments: null! }] }),
      );
      await until(`${topic} has its new partitions`, () => ask((admin) => isLed(admin, topic, partitions)));
    },
    deleteTopic: (topic) => ask((admin) => admin.deleteTopics({ topics: [topic] })),
    deleteRecords: (topic) => ask((admin) => deleteRecords(admin, topic)),
    leaderOf: async (topic, partition) => (await partitionOf(topic, partition)).leader,
    replicasOf: async (topic, partition) => (await partitionOf(topic, partition)).replicas,
  };
}

/** Nodes learn of a new topic, and of added partitions, a moment after they are made. */
async function isLed(admin: Admin, topic: string, count: number): Promise<boolean> {
  try {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true, retries: 0 });
    const { partitions } = topics.get(topic)!;
    return partitions.length >= count && partitions.every(({ leader }) => leader >= 0);
  } catch {
    return false;
  }
}

async function deleteRecords(admin: Admin, topic: string): Promise<void> {
  const { partitionsCount } = (await admin.metadata({ topics: [topic] })).topics.get(topic)!;
  // Offset -1 stands for the end.
  const partitions = Array.from({ length: partitionsCount }, (_, partition) => ({ partition, offset: -1n }));
  await admin.deleteRecords({ topics: [{ name: topic, partitions }] });
}

async function format(settingsPath: string, sasl: Sasl | undefined): Promise<void> {
  const reader =
    sasl === undefined || sasl.mechanism === 'PLAIN'
      ? []
      : ['--add-scram', `${sasl.mechanism}=[name=${sasl.username},password=${sasl.password}]`];
  const tool = ['-cp', join(await kafkaJars(), '*'), 'kafka.tools.StorageTool', 'format'];
  const args = [...tool, '--cluster-id', clusterId, '--config', settingsPath, ...reader];
  await promisify(execFile)('java', args, { timeout: readyWithinMs });
}

async function portsOf(nodes: number): Promise<readonly NodePorts[]> {
  const ports = await freePorts(3 * nodes);
  return Array.from({ length: nodes }, (_, node) => ({
    client: ports[3 * node]!,
    internal: ports[3 * node + 1]!,
    controller: ports[3 * node + 2]!,
  }));
}
