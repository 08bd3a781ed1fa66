import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { Admin, Consumer, MessagesStreamFallbackModes, MessagesStreamModes, Producer } from '@platformatic/kafka';
import { startBroker } from './servers/kafka-broker.ts';
import { spawnSamsa } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const topic = 'lr-book-searches';
const broker = await startBroker();
after(broker.stop);
const client = { clientId: 'plain', bootstrapBrokers: [...broker.brokers] };

/** Sends searches as the tutorial's web service does. */
async function send(queries: readonly string[]): Promise<void> {
  const producer = new Producer({ ...client });
  await producer.send({
    messages: queries.map((query) => ({ topic, key: Buffer.from(query), value: Buffer.from('[]') })),
  });
  await producer.close();
}

/**
 * What the tutorial's trend service reads when it starts: everything after its group's last commit. The client may
 * deliver a message again while it joins the group.
 */
async function readOn(count: number): Promise<readonly string[]> {
  const consumer = new Consumer({ ...client, groupId: 'trend-svr' });
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    autocommit: false,
  });
  const seen = new Map<string, string>();
  const timeout = setTimeout(() => void stream.close(), 20_000);
  for await (const message of stream) {
    seen.set(`${message.partition} ${message.offset}`, message.key.toString());
    await message.commit();
    if (seen.size === count) break;
  }
  clearTimeout(timeout);
  await consumer.close(true);
  return [...seen.values()];
}

/** How far a group has read, over all partitions. */
async function readBy(group: string): Promise<number> {
  const admin = new Admin({ ...client, retries: 0 });
  try {
    const [found] = await admin.listConsumerGroupOffsets({ groups: [group] });
    const partitions = found?.topics.find(({ name }) => name === topic)?.partitions ?? [];
    return partitions.reduce((sum, { committedOffset }) => sum + Math.max(0, Number(committedOffset)), 0);
  } catch {
    return 0;
  } finally {
    await admin.close();
  }
}

it("leaves the offsets of the tutorial's trend service alone", { timeout: 120_000 }, async () => {
  const data = makeTemporaryFolder();
  const before = ['dune', 'emma', 'dracula'];
  const meanwhile = Array.from({ length: 10 }, (_, index) => `meanwhile ${index}`);
  await broker.createTopic(topic, 2);
  await send(before);
  assert.deepEqual((await readOn(3)).toSorted(), before.toSorted());
  await send(meanwhile);
  for (const start of ['first', 'second']) {
    const trend = spawnSamsa(['trend'], data, { SAMSA_MQ_BROKERS: broker.brokers.join() });
    try {
      await until(
        `Kafka shows what was read (${start} start)`,
        async () => (await readBy('samsa-trend-svr')) === 13,
        60_000,
      );
    } finally {
      trend.process.kill('SIGTERM');
      await trend.ended;
    }
  }
  assert.equal(await readBy('trend-svr'), 3);
  assert.deepEqual((await readOn(10)).toSorted(), meanwhile.toSorted());
});
