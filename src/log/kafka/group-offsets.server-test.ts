import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { Admin } from '@platformatic/kafka';
import { startBroker } from '../../../test/servers/kafka-broker.ts';
import { until } from '../../../test/support/until.ts';
import { defaultTopicNames } from '../../events/topics.ts';
import { openShownOffsets } from '../open-log.ts';

const broker = await startBroker();
after(broker.stop);

const cluster = {
  kind: 'kafka',
  brokers: broker.brokers,
  clientId: 'samsa',
  replication: null,
  partitions: 2,
  topics: defaultTopicNames,
} as const;

void it('shows how far a group has read, again when it moved, and after the broker was away', async () => {
  const topic = 'searches';
  await broker.createTopic(topic, 2);
  let next = 3;
  const shown = openShownOffsets(
    { ...cluster, topics: { ...defaultTopicNames, searches: topic } },
    { groupId: 'trend-svr', offsets: () => [0, 1].map((partition) => ({ topic, partition, next })), everyMs: 20 },
  );
  const admin = new Admin({ clientId: 'looker', bootstrapBrokers: [...broker.brokers], retries: 5, retryDelay: 200 });
  const committed = async (): Promise<readonly number[]> => {
    const [group] = await admin.listConsumerGroupOffsets({ groups: ['samsa-trend-svr'] });
    const found = group?.topics.find(({ name }) => name === topic)?.partitions ?? [];
    return found.map(({ committedOffset }) => Number(committedOffset)).toSorted((a, b) => a - b);
  };
  try {
    await until('the first offsets', async () => String(await committed()) === '3,3');
    next = 7;
    await until('the next ones', async () => String(await committed()) === '7,7');
    await broker.kill();
    next = 9;
    await broker.restart();
    await until('those after the outage', async () => String(await committed().catch(() => [])) === '9,9');
    assert.deepEqual(await committed(), [9, 9]);
  } finally {
    await shown.close();
    await admin.close();
  }
});

void it('stops while the brokers do not answer', { timeout: 10_000 }, async () => {
  let next = 0;
  const offsets = () => [{ topic: defaultTopicNames.searches, partition: 0, next: ++next }];
  broker.freeze();
  try {
    const shown = openShownOffsets(cluster, { groupId: 'rec-svr', offsets, everyMs: 20 });
    await until('it shows them', () => next > 0);
    await shown.close();
  } finally {
    broker.thaw();
  }
});
