import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { createKafkaAppender } from './appender.ts';
import { createLane } from './lane.ts';
import type { KafkaTopics } from './topics.ts';

const away = new SamsaError('log-unavailable', 'away', { retryable: true });
const refused = new SamsaError('bad-event', 'refused');

type Item = { readonly value: string; readonly bytes: number };

/** A lane that tries again after outages, and notes what becomes of its items. */
function openLane(send: (values: readonly string[]) => void) {
  const settled: string[] = [];
  const outages: string[] = [];
  const lane = createLane<Item>({
    send: async (batch) => send(batch.map(({ value }) => value)),
    onSent: (batch) => settled.push(...batch.map(({ value }) => value)),
    onRefused: ({ value }, { message }) => settled.push(`${value}: ${message}`),
    onOutage: (batch) => void outages.push(batch.map(({ value }) => value).join('')),
  });
  return { lane, settled, outages };
}

describe('a lane to one partition', () => {
  it('lets no item overtake one that could not be sent, also where a neighbour is refused', async () => {
    const sent: string[] = [];
    let left = 3;
    /** Refuses every batch with `bad` in it. An outage meets a batch that begins with `b`, three times. */
    const { lane, settled, outages } = openLane((values) => {
      if (values.includes('bad')) throw refused;
      if (values[0] === 'b' && left > 0 && left--) throw away;
      sent.push(...values);
    });
    for (const value of ['a', 'b', 'c', 'bad', 'd']) lane.push({ value, bytes: 1 });
    await lane.drain();
    assert.deepEqual(sent, ['a', 'b', 'c', 'd']);
    assert.deepEqual(settled, ['a', 'b', 'c', 'bad: refused', 'd']);
    assert.deepEqual(outages, ['b', 'b', 'b']);
  });

  it('keeps the order where one batch of several fails, and sends one push as one batch', async () => {
    const sent: string[] = [];
    let isAway = true;
    const { lane, outages } = openLane((values) => {
      if (isAway) {
        isAway = false;
        throw away;
      }
      sent.push(values.join(''));
    });
    for (const value of ['a', 'b', 'c', 'd', 'e']) lane.push({ value, bytes: 200 << 10 });
    await lane.drain();
    assert.deepEqual([outages, sent], [['ab'], ['ab', 'cd', 'e']]);
  });
});

describe('appending over lanes', () => {
  const topics = { find: async () => ({ id: 't', leaders: [0] }) } as unknown as KafkaTopics;

  function record(value: string): NewRecord {
    return { topic: 't', key: null, value: Buffer.from(value), headers: [] };
  }

  function openAppender(send: (values: readonly string[]) => Promise<void>) {
    return createKafkaAppender({
      topics,
      send: (_partition, records) => send(records.map(({ value }) => Buffer.from(value!).toString())),
      limitRecords: 3,
      limitBytes: 1_000,
    });
  }

  it('fails all of a call behind a record that could not be sent, and no other call', async () => {
    const sent: string[] = [];
    const appender = openAppender(async (values) => {
      if (values.includes('bad')) throw values.length > 1 ? refused : away;
      sent.push(...values);
    });
    const answers = await Promise.allSettled([
      appender.append([record('bad'), record('behind')]),
      appender.append([record('other')]),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    );
    assert.deepEqual(sent, ['other']);
  });

  it('refuses a call when too much waits, and takes a larger one when nothing does', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const appender = openAppender(() => promise);
    const first = appender.append(['a', 'b', 'c', 'd'].map(record));
    await assert.rejects(appender.append([record('e')]), { code: 'log-unavailable', retryable: true });
    resolve();
    await first;
    await appender.drain();
    await appender.append([record('e')]);
  });
});
