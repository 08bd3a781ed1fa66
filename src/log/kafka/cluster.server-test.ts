import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startBroker } from '../../../test/servers/kafka-broker.ts';
import { until } from '../../../test/support/until.ts';
import { SamsaError } from '../../errors.ts';
import { openKafkaLog } from './log.ts';
import type { EventLog } from '../log.ts';

/** Reads on, as projections do, until it has this many values. */
async function readValues(log: EventLog, topic: string, count: number): Promise<readonly number[]> {
  const { id } = await log.describe(topic);
  const { signal } = new AbortController();
  const read: number[] = [];
  let from = 0;
  await until(
    `${count} records are read`,
    async () => {
      try {
        const request = { topic, topicId: id, partition: 0, from, maxBytes: 1 << 20, waitMs: 1_000, signal };
        const { records, next, end } = await log.read(request);
        assert.ok(end >= from, 'the log never ends before what was read');
        assert.deepEqual(
          records.map(({ offset }) => offset),
          records.map((_, index) => from + index),
        );
        read.push(...records.map(({ value }) => Number(Buffer.from(value!).toString())));
        from = next;
      } catch (error) {
        if (!(error instanceof SamsaError) || !error.retryable) throw error;
      }
      return read.length >= count;
    },
    90_000,
  );
  return read;
}

it('keeps every record once and in order when the node that leads is killed', { timeout: 300_000 }, async () => {
  const broker = await startBroker({ nodes: 3 });
  const log = openKafkaLog({ brokers: broker.brokers, clientId: 'samsa', clock: Date.now });
  try {
    await log.create('t', { partitions: 1, retentionMs: 0, compacted: false });
    const give = (value: number) =>
      log.append([{ topic: 't', key: null, value: Buffer.from(String(value)), headers: [] }]);
    const reading = readValues(log, 't', 3_000);
    const appending: ReturnType<typeof give>[] = [];
    for (let part = 0; part < 3; part++) {
      for (let index = 0; index < 1_000; index++) appending.push(give(appending.length));
      await appending.at(-700);
      if (part < 2) await broker.node(await broker.leaderOf('t', 0)).kill();
      if (part === 0) await broker.restart();
    }
    await Promise.all(appending);
    assert.deepEqual(
      await reading,
      appending.map((_, index) => index),
    );
  } finally {
    await log.close();
    await broker.stop();
  }
});
