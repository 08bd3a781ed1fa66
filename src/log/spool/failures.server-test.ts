import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { startBroker } from '../../../test/servers/kafka-broker.ts';
import { openTestSpool, untilRelayed } from '../../../test/support/open-test-spool.ts';
import { readWholeTopic } from '../../../test/support/read-whole-topic.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { until } from '../../../test/support/until.ts';
import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { createEventSource, decodeEnvelope, encodeEnvelope } from '../../events/envelope.ts';
import { openKafkaLog } from '../kafka/log.ts';
import { discardSetAside, readSetAside, sendSetAside } from './set-aside.ts';
import type { SpooledLog, SpoolOptions } from './spooled-log.ts';
import type { SpoolLedger } from './spool-file.ts';

const broker = await startBroker();
after(broker.stop);

const patienceMs = 60_000;

type SpoolTest = {
  readonly topic: string;
  readonly folder: string;
  /** Closed after the test. */
  readonly open: (options?: Partial<SpoolOptions>) => Promise<SpooledLog>;
};

/** A topic of one partition, and a folder for spools. */
function test(behaviour: string, body: (spool: SpoolTest) => Promise<void>): void {
  void it(behaviour, { timeout: 3 * patienceMs }, async () => {
    const folder = makeTemporaryFolder();
    const topic = behaviour.replaceAll(/\W/g, '-');
    const opened: SpooledLog[] = [];
    try {
      await broker.createTopic(topic, 1);
      await body({
        topic,
        folder,
        open: async (options) => {
          const log = await openTestSpool({ brokers: broker.brokers, folder, topics: [topic], ...options });
          opened.push(log);
          return log;
        },
      });
    } finally {
      await broker.restart();
      await Promise.all(opened.map((log) => log.close()));
    }
  });
}

function record(topic: string, value: string): NewRecord {
  return { topic, key: Buffer.from('key'), value: Buffer.from(value), headers: [] };
}

function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** One call each, none waiting for another; `bytes` is about what each takes. */
async function give(log: SpooledLog, topic: string, values: readonly number[], bytes = 0): Promise<readonly unknown[]> {
  const padding = ' '.repeat(bytes);
  const calls = values.map((value) => log.append([record(topic, String(value) + padding)]));
  return (await Promise.allSettled(calls)).map((call) => (call.status === 'rejected' ? call.reason : null));
}

async function numbersIn(log: SpooledLog, topic: string): Promise<readonly number[]> {
  return (await readWholeTopic(log, topic)).map(({ value }) => Number(Buffer.from(value!)));
}

/** The books of one topic's only spool, which balance. */
function ledgerOf(log: SpooledLog, topic: string): Omit<SpoolLedger, 'spool' | 'topic' | 'oldestMs' | 'waitingBytes'> {
  const { accepted, relayed, dropped, setAside, waiting } = log.ledger().find((row) => row.topic === topic)!;
  assert.equal(accepted, relayed + dropped + setAside + waiting);
  return { accepted, relayed, dropped, setAside, waiting };
}

const none = { accepted: 0, relayed: 0, dropped: 0, setAside: 0, waiting: 0 };

async function untilTold(log: SpooledLog, why: RegExp): Promise<void> {
  await until(`problems say ${why}`, () => log.problems().some((problem) => why.test(problem.why)), patienceMs);
}

void describe('spooled log and its broker', () => {
  test('takes records while the broker is away, and relays each once and in order', async ({ topic, open }) => {
    const said: (string | null)[] = [];
    const log = await open({ onProblem: (problem) => said.push(problem?.code ?? null) });
    assert.deepEqual(log.problems(), []);
    await give(log, topic, numbers(0, 200));
    await broker.kill();
    await give(log, topic, numbers(200, 400));
    await untilTold(log, /records wait for Kafka, the first for \d+ s: .*ECONNREFUSED/);
    await broker.restart();
    await untilRelayed(log);
    assert.deepEqual(await numbersIn(log, topic), numbers(0, 400));
    assert.deepEqual(ledgerOf(log, topic), { ...none, accepted: 400, relayed: 400 });
    await until('the problem is over', () => log.problems().length === 0 && said.at(-1) === null);
    assert.deepEqual(said, ['log-unavailable', null]);
  });

  test('takes records while the broker is frozen', async ({ topic, open }) => {
    const log = await open();
    await give(log, topic, numbers(0, 50));
    broker.freeze();
    try {
      assert.deepEqual(await give(log, topic, numbers(50, 100)), Array(50).fill(null));
      await untilTold(log, /50 records wait|\d+ records wait/);
    } finally {
      broker.thaw();
    }
    await untilRelayed(log);
    assert.deepEqual(await numbersIn(log, topic), numbers(0, 100));
  });

  test('opens and takes records where no broker answers', async ({ topic, open }) => {
    await broker.kill();
    const log = await open();
    assert.deepEqual(await give(log, topic, numbers(0, 100)), Array(100).fill(null));
    await untilTold(log, /ECONNREFUSED/);
    assert.deepEqual(ledgerOf(log, topic), { ...none, accepted: 100, waiting: 100 });
    await broker.restart();
    await untilRelayed(log);
    assert.deepEqual(await numbersIn(log, topic), numbers(0, 100));
  });

  test('closes while the broker is frozen, and relays the rest when it is opened again', async ({ topic, open }) => {
    const log = await open();
    await give(log, topic, numbers(0, 10));
    await untilRelayed(log);
    broker.freeze();
    try {
      await give(log, topic, numbers(10, 20));
      await log.close();
    } finally {
      broker.thaw();
    }
    assert.equal(ledgerOf(log, topic).waiting, 10);
    const again = await open();
    assert.equal(again.id, log.id);
    await untilRelayed(again);
    assert.deepEqual([...new Set(await numbersIn(again, topic))], numbers(0, 20));
    assert.deepEqual(ledgerOf(again, topic), { ...none, accepted: 20, relayed: 20 });
  });
});

void describe('spooled log and its bound', () => {
  const limitBytes = 200_000;

  test('drops the newest records beyond its bound, counts them, and says so', async ({ topic, open }) => {
    await broker.kill();
    const log = await open({ limitBytes, overflow: 'drop-newest' });
    const answers = await give(log, topic, numbers(0, 1_000), 1_000);
    const kept = answers.indexOf(answers.find((answer) => answer !== null));
    assert.ok(kept > 150 && kept < 200, String(kept));
    for (const answer of answers.slice(kept)) assert.ok(answer instanceof SamsaError && answer.code === 'spool-full');
    assert.deepEqual(ledgerOf(log, topic), { ...none, accepted: 1_000, dropped: 1_000 - kept, waiting: kept });
    await broker.restart();
    await untilRelayed(log);
    assert.deepEqual(await give(log, topic, [1_000]), [null]);
    await untilRelayed(log);
    assert.deepEqual(await numbersIn(log, topic), [...numbers(0, kept), 1_000]);
    assert.deepEqual(ledgerOf(log, topic), { ...none, accepted: 1_001, relayed: kept + 1, dropped: 1_000 - kept });
  });

  test('drops the oldest records that are not in flight, and counts them', async ({ topic, open }) => {
    await broker.kill();
    const log = await open({ limitBytes, overflow: 'drop-oldest' });
    for (const hundred of numbers(0, 10)) {
      const answers = await give(log, topic, numbers(100 * hundred, 100 * (hundred + 1)), 1_000);
      assert.deepEqual(answers, Array(100).fill(null));
    }
    await until('no more waits than may', () => log.ledger()[0]!.waitingBytes <= limitBytes);
    const { dropped, waiting } = ledgerOf(log, topic);
    assert.ok(dropped > 700 && dropped < 1_000, String(dropped));
    await broker.restart();
    await untilRelayed(log);
    const relayed = await numbersIn(log, topic);
    const inFlight = relayed.findIndex((number, index) => number !== index);
    assert.ok(inFlight > 0 && inFlight < waiting, String(inFlight));
    assert.deepEqual(relayed, [...numbers(0, inFlight), ...numbers(inFlight + dropped, 1_000)]);
    assert.deepEqual(ledgerOf(log, topic), { ...none, accepted: 1_000, relayed: 1_000 - dropped, dropped });
  });
});

void describe('spooled log and records that cannot be relayed', () => {
  test('sets aside what the broker refuses, and relays its neighbours', async ({ topic, folder, open }) => {
    const strict = `${topic}-strict`;
    await broker.createTopic(strict, 1, { 'max.message.bytes': '2000' });
    const log = await open({ topics: [strict] });
    const large = record(strict, '1'.repeat(5_000));
    await Promise.all([log.append([record(strict, '0'), large]), log.append([record(strict, '2')])]);
    await log.append([record(strict, '3'.repeat(1_000_000)), record(strict, '4')]);
    await untilRelayed(log);
    assert.deepEqual(await numbersIn(log, strict), [0, 2, 4]);
    assert.deepEqual(ledgerOf(log, strict), { ...none, accepted: 5, relayed: 3, setAside: 2 });
    await log.close();
    const file = new DatabaseSync(join(folder, `${log.id}.sqlite`), { readOnly: true });
    const kept = file.prepare('SELECT value, why FROM set_aside ORDER BY position').all();
    file.close();
    assert.deepEqual(Buffer.from(kept[0]!['value'] as Uint8Array), large.value);
    assert.match(String(kept[0]!['why']), /refused a record/);
    assert.match(String(kept[1]!['why']), /at most 900000 bytes, got 1000\d\d\d/);
  });

  test('lists what was set aside, sends it once when the broker accepts it, or discards it', async (spool) => {
    const { topic, folder } = spool;
    const strict = `${topic}-strict`;
    await broker.createTopic(strict, 1, { 'max.message.bytes': '2000' });
    const said: string[] = [];
    const log = await spool.open({ topics: [strict], onSetAside: (why) => said.push(why) });
    const source = createEventSource('test', () => 7_000);
    const envelope = source.next('samsa.test.v1', { reader: 'r' });
    const headers = encodeEnvelope(envelope);
    await log.append([{ ...record(strict, '1'.repeat(5_000)), headers }, record(strict, '2'.repeat(5_000))]);
    await until('both are set aside', () => ledgerOf(log, strict).setAside === 2, patienceMs);
    await until('it was said once', () => said.length === 1, patienceMs);
    assert.deepEqual(log.problems(), [
      { code: 'set-aside', why: 'Kafka refused 2 records: samsa spool list shows them' },
    ]);
    const [first, second] = readSetAside(folder);
    const cluster = openKafkaLog({ brokers: broker.brokers, clientId: 'samsa', clock: Date.now });
    try {
      assert.match((await sendSetAside(folder, first!.id, cluster))!, /refused a record/);
      await broker.setTopic(strict, { 'max.message.bytes': '1000000' });
      // Sent, but not settled: as after a crash in between. The repeat must have the same source and sequence.
      await cluster.append([readSetAside(folder)[0]!]);
      assert.equal(await sendSetAside(folder, first!.id, cluster), null);
      discardSetAside(folder, second!.id);
      await assert.rejects(sendSetAside(folder, second!.id, cluster), { code: 'bad-request' });
      assert.deepEqual(readSetAside(folder), []);
      assert.deepEqual(ledgerOf(log, strict), { ...none, accepted: 2, relayed: 1, dropped: 1 });
      assert.deepEqual(log.problems(), []);
      const [one, repeat] = (await readWholeTopic(cluster, strict)).map((sent) => decodeEnvelope(sent.headers)!);
      assert.deepEqual(one, repeat);
      assert.deepEqual([one!.id, one!.time, one!.sequence], [envelope.id, 7_000, 1]);
      assert.notEqual(one!.source, envelope.source);
    } finally {
      await cluster.close();
    }
  });

  test('waits for a topic that is missing, without holding up others', async ({ topic, open }) => {
    const missing = `${topic}-missing`;
    const log = await open({ topics: [missing, topic] });
    await log.append([record(missing, '1'), record(topic, '2')]);
    await until('the other topic is relayed', () => ledgerOf(log, topic).relayed === 1, patienceMs);
    await untilTold(log, new RegExp(`no topic ${missing}`));
    assert.deepEqual(ledgerOf(log, missing), { ...none, accepted: 1, waiting: 1 });
    await broker.createTopic(missing, 1);
    await untilRelayed(log);
    assert.deepEqual(await numbersIn(log, missing), [1]);
  });
});
