import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { after, describe, it, mock } from 'node:test';
import { Producer } from '@platformatic/kafka';
import { startBroker } from '../../../test/servers/kafka-broker.ts';
import { until } from '../../../test/support/until.ts';
import { SamsaError, type ErrorCode } from '../../errors.ts';
import type { NewRecord, StoredRecord } from '../../events/record.ts';
import { openKafkaLog } from './log.ts';
import { createKafkaSender } from './sender.ts';
import type { EventLog, ReadRequest, ReadResult } from '../log.ts';

const broker = await startBroker();
after(broker.stop);

const never = new AbortController().signal;
const patienceMs = 60_000;

function record(topic: string, value: string | null, key = 'key'): NewRecord {
  return { topic, key: Buffer.from(key), value: value === null ? null : Buffer.from(value), headers: [] };
}

async function read(log: EventLog, topic: string, request: Partial<ReadRequest> = {}): Promise<ReadResult> {
  const topicId = request.topicId ?? (await log.describe(topic)).id;
  const defaults = { topic, topicId, partition: 0, from: 0, maxBytes: 1 << 20, waitMs: 0, signal: never };
  return log.read({ ...defaults, ...request });
}

async function readAll(log: EventLog, topic: string): Promise<readonly StoredRecord[]> {
  const { id } = await log.describe(topic);
  const all: StoredRecord[] = [];
  for (let from = 0; ;) {
    const { records, next, end } = await read(log, topic, { topicId: id, from });
    all.push(...records);
    if (next >= end) return all;
    from = next;
  }
}

function values(records: readonly StoredRecord[]): readonly string[] {
  return records.map(({ value }) => Buffer.from(value ?? []).toString());
}

function refused(code: ErrorCode, retryable: boolean, message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SamsaError, String(error));
    assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** The log opened with a topic of one partition. */
function test(behaviour: string, body: (log: EventLog, topic: string) => Promise<void>): void {
  let number = 0;
  void it(behaviour, { timeout: 2 * patienceMs }, async () => {
    const log = openKafkaLog({ brokers: broker.brokers, clientId: 'samsa', clock: Date.now });
    const topic = `${behaviour.replaceAll(/\W/g, '-')}-${number++}`;
    try {
      await log.create(topic, { partitions: 1, retentionMs: 0, compacted: false });
      await body(log, topic);
    } finally {
      await log.close();
    }
  });
}

void describe('Kafka log and its records', () => {
  test('keeps a large record, and refuses a larger one with nothing of its call appended', async (log, topic) => {
    const large = 'l'.repeat(890_000);
    const tooLarge = log.append([record(topic, 'beside it'), record(topic, 'l'.repeat(1_000_000))]);
    await assert.rejects(tooLarge, refused('bad-event', false, /at most 900000 bytes, got 1000\d\d\d/));
    await log.append([record(topic, large)]);
    assert.deepEqual(values(await readAll(log, topic)), [large]);
  });

  test('fails only the call whose record the broker refuses', async (log, topic) => {
    const strict = `${topic}-strict`;
    await broker.createTopic(strict, 1, { 'max.message.bytes': '2000' });
    const calls = ['a', 'b'.repeat(5_000), 'c'].map((value) => log.append([record(strict, value)]));
    const [first, second, third] = await Promise.allSettled(calls);
    assert.deepEqual([first!.status, third!.status], ['fulfilled', 'fulfilled']);
    assert.ok(second?.status === 'rejected');
    refused('bad-event', false, /refused a record/)(second.reason);
    assert.deepEqual(values(await readAll(log, strict)), ['a', 'c']);
  });

  test('jumps over what compaction removed', async (log, topic) => {
    const compacted = `${topic}-compacted`;
    const settings = { 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.01', 'delete.retention.ms': '0' };
    await broker.createTopic(compacted, 1, { 'cleanup.policy': 'compact', ...settings });
    await log.append([record(compacted, 'first', 'removed'), record(compacted, 'kept', 'kept')]);
    await until('the first record is gone', async () => {
      await log.append([record(compacted, null, 'removed'), record(compacted, 'filling', 'filler')]);
      const { records } = await read(log, compacted);
      return records[0]?.offset === 1;
    });
    const records = await readAll(log, compacted);
    assert.deepEqual(values(records.slice(0, 1)), ['kept']);
    assert.ok(records.every(({ offset }, index) => index === 0 || offset > records[index - 1]!.offset));
  });

  test('leaves out what others gave up in a transaction, however long it was', async (log, topic) => {
    const other = new Producer<Buffer>({
      clientId: 'other',
      bootstrapBrokers: [...broker.brokers],
      idempotent: true,
      transactionalId: topic,
      retries: 10,
    });
    const inTransaction = async (value: string, end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await other.beginTransaction();
      const message = { topic, partition: 0, key: Buffer.from('key'), value: Buffer.from(value) };
      for (let part = 0; part < 3; part++) await transaction.send({ messages: [message] });
      await transaction[end]();
    };
    await inTransaction('given up'.repeat(60_000), 'abort');
    await inTransaction('meant', 'commit');
    await other.close();
    await log.append([record(topic, 'own')]);
    assert.deepEqual(values(await readAll(log, topic)), ['meant', 'meant', 'meant', 'own']);
  });

  test('refuses a topic that was deleted and created again, also to a read that waits', async (log, topic) => {
    await log.append([record(topic, 'old')]);
    const { id } = await log.describe(topic);
    const waiting = assert.rejects(
      read(log, topic, { topicId: id, from: 1, waitMs: patienceMs }),
      refused('topic-replaced', false, /Rebuild/),
    );
    await broker.deleteTopic(topic);
    await broker.createTopic(topic, 1);
    await waiting;
    await assert.rejects(
      read(log, topic, { topicId: id }),
      refused('topic-replaced', false, /expected topic .* to be/),
    );
    assert.deepEqual((await read(log, topic)).records, []);
  });
});

void describe('Kafka log and its broker', () => {
  test('appends once what was given while the broker was away, and continues to read', async (log, topic) => {
    const { id } = await log.describe(topic);
    const give = (value: number) => log.append([record(topic, String(value))]);
    const before = Array.from({ length: 200 }, (_, index) => give(index));
    await Promise.race(before);
    await broker.kill();
    const during = Array.from({ length: 200 }, (_, index) => give(200 + index));
    await assert.rejects(
      read(log, topic, { topicId: id, waitMs: patienceMs }),
      refused('log-unavailable', true, /does not answer/),
    );
    await broker.restart();
    await Promise.all([...before, ...during]);
    const stored = await readAll(log, topic);
    assert.deepEqual(
      stored.map(({ offset }, index) => [offset, values(stored)[index]]),
      Array.from({ length: 400 }, (_, index) => [index, String(index)]),
    );
  });

  void it('loses nothing that waits for metadata while the broker refuses something else', async () => {
    const slow = await openSlowWay(broker.brokers[0]!);
    const log = openKafkaLog({ brokers: [slow.address], clientId: 'samsa', clock: Date.now });
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    try {
      await broker.createTopic('patient', 1);
      await broker.createTopic('strict', 1, { 'max.message.bytes': '2000' });
      await log.append([record('patient', 'first')]);
      // What is known of the one topic is too old now, of the other it is not.
      mock.timers.tick(100_000);
      await log.append([record('strict', 'small')]);
      slow.answerAfterMs(400);
      const second = log.append([record('patient', 'second')]);
      // The log asks first, then the sender.
      await until('the sender has asked', () => slow.kept() >= 2);
      await assert.rejects(log.append([record('strict', 'l'.repeat(5_000))]), refused('bad-event', false, /refused/));
      await second;
      slow.answerAfterMs(0);
      assert.deepEqual(values(await readAll(log, 'patient')), ['first', 'second']);
    } finally {
      mock.timers.reset();
      await log.close();
      slow.close();
    }
  });

  test('says that a topic was created again with fewer partitions, and continues with others', async (log, topic) => {
    const shrunk = `${topic}-shrunk`;
    await log.create(shrunk, { partitions: 3, retentionMs: 0, compacted: false });
    const toAll = Array.from({ length: 20 }, (_, index) => record(shrunk, String(index), `key ${index}`));
    await log.append(toAll);
    await broker.deleteTopic(shrunk);
    await broker.createTopic(shrunk, 1);
    await assert.rejects(
      log.append(toAll),
      refused('topic-replaced', false, /to have a partition \d, as it had before/),
    );
    await log.append([record(topic, 'other')]);
    assert.deepEqual(values(await readAll(log, topic)), ['other']);
  });

  test('loses and repeats nothing where one producer takes over from another', async (log, topic) => {
    await broker.addPartitions(topic, 2);
    const sender = createKafkaSender({ brokers: broker.brokers, clientId: 'samsa' }, Date.now, 20);
    const sendTo = async (partition: number): Promise<void> => {
      for (let first = 0; first < 100; first += 2) {
        await sender.send(partition, [record(topic, String(first)), record(topic, String(first + 1))]);
      }
    };
    await Promise.all([sendTo(0), sendTo(1)]);
    await sender.close(1_000);
    const { id } = await log.describe(topic);
    for (const partition of [0, 1]) {
      const { records } = await read(log, topic, { topicId: id, partition });
      assert.deepEqual(
        values(records),
        Array.from({ length: 100 }, (_, value) => String(value)),
      );
    }
  });

  test('closes while the broker is frozen', async (log, topic) => {
    const { id } = await log.describe(topic);
    await log.append([record(topic, 'before')]);
    const waiting = assert.rejects(
      read(log, topic, { topicId: id, from: 1, waitMs: patienceMs }),
      refused('log-closed', false, /closed/),
    );
    broker.freeze();
    try {
      const pending = assert.rejects(
        log.append([record(topic, 'perhaps')]),
        refused('log-unavailable', true, /may have been appended/),
      );
      await log.close();
      await Promise.all([waiting, pending]);
    } finally {
      broker.thaw();
    }
  });

  void it('says that nobody answers at an address', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await once(server.close(), 'close');
    const log = openKafkaLog({ brokers: [`127.0.0.1:${port}`], clientId: 'samsa', clock: Date.now });
    const nobody = refused('log-unavailable', true, new RegExp(`127.0.0.1:${port} .*ECONNREFUSED`));
    await assert.rejects(log.describe('t'), nobody);
    await assert.rejects(log.create('t', { partitions: 1, retentionMs: 0, compacted: false }), nobody);
    await assert.rejects(log.append([record('t', 'a')]), nobody);
    await assert.rejects(read(log, 't', { topicId: 'any' }), nobody);
    await log.close();
  });

  void it('refuses a text that is not an address', () => {
    for (const brokers of [[], ['kafka'], ['kafka:port'], [':9092'], ['kafka:70000']]) {
      const open = (): EventLog => openKafkaLog({ brokers, clientId: 'samsa', clock: Date.now });
      assert.throws(open, refused('bad-configuration', false, /address of a Kafka broker/));
    }
  });
});

/** A proxy in front of a broker, which can delay its answers. Producers do not use it: brokers name other addresses. */
async function openSlowWay(address: string): Promise<{
  readonly address: string;
  readonly answerAfterMs: (ms: number) => void;
  /** How many answers have come late. */
  readonly kept: () => number;
  readonly close: () => void;
}> {
  const [host, port] = address.split(':');
  let [lateMs, kept] = [0, 0];
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    client.pipe(upstream);
    upstream.on('data', (answer) => {
      if (lateMs > 0) kept++;
      setTimeout(() => client.write(answer), lateMs);
    });
    for (const socket of [client, upstream]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    answerAfterMs: (ms) => {
      lateMs = ms;
    },
    kept: () => kept,
    close: () => server.close(),
  };
}
