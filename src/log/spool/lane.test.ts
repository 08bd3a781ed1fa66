import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../../../test/support/until.ts';
import { encodeHeaders } from '../../events/header-bytes.ts';
import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { createPublisher } from '../kafka/publisher.ts';
import { createSpoolLane } from './lane.ts';

const away = new SamsaError('log-unavailable', 'away', { retryable: true });
const refused = new SamsaError('bad-event', 'refused');

function valueOf({ value }: Pick<NewRecord, 'value'>): string {
  return Buffer.from(value!).toString();
}

void it('lets no record overtake one that could not be sent, also where a neighbour is refused', async () => {
  const sent: string[] = [];
  let outages = 3;
  /** A cluster that refuses any batch with `bad` in it, and is away whenever `b` comes alone, three times. */
  const publisher = createPublisher({
    send: async (_partition, records) => {
      const values = records.map(valueOf);
      if (values.includes('bad')) throw refused;
      if (values[0] === 'b' && outages > 0 && outages--) throw away;
      sent.push(...values);
    },
    refusesRecords: (error) => error === refused,
    limitRecords: 100,
    limitBytes: 1_000,
  });
  const settled: string[] = [];
  const troubles: (string | null)[] = [];
  const stopping = new AbortController();
  const lane = createSpoolLane({
    topic: 't',
    partition: 0,
    appendTo: (partition, records) => publisher.publish(records.map((record) => ({ record, partition, bytes: 1 }))),
    onAcknowledged: (records) => settled.push(...records.map(valueOf)),
    onRefused: (record, why) => settled.push(`${valueOf(record)}: ${why}`),
    onTrouble: (trouble) => troubles.push(trouble?.message ?? null),
    signal: stopping.signal,
  });
  for (const [position, value] of ['a', 'b', 'c', 'bad', 'd'].entries()) {
    lane.push({ position, bytes: 1, key: null, value: Buffer.from(value), headers: encodeHeaders([]) });
  }
  await until('all is settled', () => settled.length === 5);
  stopping.abort();
  assert.deepEqual(sent, ['a', 'b', 'c', 'd']);
  assert.deepEqual(settled.toSorted(), ['a', 'b', 'bad: refused', 'c', 'd']);
  assert.deepEqual(troubles, ['away', 'away', 'away', null]);
});

void it('lets no record overtake one whose batch the cluster took for two', async () => {
  const sent: string[] = [];
  let isAway = true;
  const publisher = createPublisher({
    send: async (_partition, records) => {
      if (isAway) {
        isAway = false;
        throw away;
      }
      sent.push(...records.map(valueOf));
    },
    refusesRecords: () => false,
    limitRecords: 100,
    limitBytes: 10 << 20,
  });
  const stopping = new AbortController();
  const lane = createSpoolLane({
    topic: 't',
    partition: 0,
    appendTo: (partition, records) =>
      publisher.publish(records.map((record) => ({ record, partition, bytes: 200 << 10 }))),
    onAcknowledged: () => {},
    onRefused: () => {},
    onTrouble: () => {},
    signal: stopping.signal,
  });
  const values = ['a', 'b', 'c', 'd', 'e'];
  for (const [position, value] of values.entries()) {
    lane.push({ position, bytes: 1, key: null, value: Buffer.from(value), headers: encodeHeaders([]) });
  }
  await until('all are sent', () => sent.length >= values.length);
  stopping.abort();
  assert.deepEqual(sent, values);
});
