import assert from 'node:assert/strict';
import { after, it, type TestContext } from 'node:test';
import { Producer } from '@platformatic/kafka';
import { pino } from 'pino';
import { startBroker } from '../../test/servers/kafka-broker.ts';
import { until } from '../../test/support/until.ts';
import { openSqlite } from '../sqlite/connection.ts';
import { createSqliteProgress, progressMigrations } from '../progress/sqlite/progress.ts';
import { text } from '../events/envelope.ts';
import { openKafkaLog } from '../log/kafka/log.ts';
import type { EventLog } from '../log/log.ts';
import { foldRecords } from './fold-records.ts';
import type { ProjectionInput } from './projection.ts';
import { runProjection, type RunningProjection } from './run-projection.ts';

const broker = await startBroker();
after(broker.stop);

const patienceMs = 60_000;
/** Six of them are more than a broker's answer tells of a partition at once. */
const long = 'given up'.repeat(60_000);

const wordsIn = (topic: string): ProjectionInput<string> => ({
  topic,
  compacted: false,
  repeats: 'dropped-by-sequence',
  fold: ({ value }) => text(value ?? Buffer.alloc(0)),
});

type Word = { readonly key: Buffer; readonly value: Buffer; readonly topic: string };

async function openTopic(test: TestContext, topic: string) {
  const log = openKafkaLog({ brokers: broker.brokers, clientId: 'samsa', clock: Date.now });
  test.after(() => log.close());
  await log.create(topic, { partitions: 1, retentionMs: 0, compacted: false });
  const word = (value: string): Word => ({ topic, key: Buffer.from('key'), value: Buffer.from(value) });
  let begun = 0;
  return {
    log,
    own: (value: string) => log.append([{ ...word(value), headers: [] }]),
    end: async () => (await log.describe(topic)).partitions[0]!.end,
    begin: () => beginTransaction(`${topic}-${begun++}`, word),
  };
}

/** A transaction as another program would write it: each word in a separate batch. */
async function beginTransaction(transactionalId: string, word: (value: string) => Word) {
  const producer = new Producer<Buffer>({
    clientId: 'other',
    bootstrapBrokers: [...broker.brokers],
    idempotent: true,
    transactionalId,
    retries: 10,
  });
  const transaction = await producer.beginTransaction();
  return {
    send: async (...values: readonly string[]): Promise<void> => {
      for (const value of values) await transaction.send({ messages: [{ ...word(value), partition: 0 }] });
    },
    end: async (how: 'commit' | 'abort'): Promise<void> => {
      await transaction[how]();
      await producer.close();
    },
  };
}

type Topic = Awaited<ReturnType<typeof openTopic>>;

async function write({ begin }: Topic, how: 'commit' | 'abort', ...values: readonly string[]): Promise<void> {
  const { send, end } = await begin();
  await send(...values);
  await end(how);
}

/**
 * Two given up that overlap each other and one that is not; then one that is longer than an answer. Offsets from here
 * on: 19 records and the ends of seven transactions, which brokers write a little after they were asked to.
 */
async function writeAllKinds(topic: Topic): Promise<readonly string[]> {
  const begin = await topic.end();
  await write(topic, 'abort', 'no', 'no');
  const [one, other, meant] = [await topic.begin(), await topic.begin(), await topic.begin()];
  await one.send('no');
  await other.send('no');
  await meant.send('a');
  await one.send('no');
  await one.end('abort');
  await other.send('no');
  await meant.send('b');
  await meant.end('commit');
  await topic.own('c');
  await other.end('abort');
  await write(topic, 'abort', long, long, long, long, long, long);
  await write(topic, 'commit', 'd', 'e');
  await topic.own('f');
  await write(topic, 'abort', 'no');
  await until('every transaction has ended', async () => (await topic.end()) === begin + 19 + 7);
  return ['a', 'b', 'c', 'd', 'e', 'f'];
}

function run(test: TestContext, log: EventLog, topic: string): RunningProjection & { seen: () => readonly unknown[] } {
  const state = openSqlite(':memory:', {
    migrations: [progressMigrations, { name: 'words', steps: ['CREATE TABLE word (word TEXT NOT NULL)'] }],
    busyTimeoutMs: 1_000,
  });
  const progress = createSqliteProgress<string>(state, Date.now, (words) => {
    for (const word of words) state.prepare('INSERT INTO word VALUES (?)').run(word);
  });
  const running = runProjection({
    log,
    progress,
    projection: { name: 'words', version: 1, reads: [wordsIn(topic)] },
    instance: 'a',
    clock: Date.now,
    logger: pino({ level: 'silent' }),
    leaseMs: 500,
    leaseTickMs: 20,
  });
  test.after(async () => {
    await running.close();
    state.close();
  });
  return {
    ...running,
    seen: () =>
      state
        .prepare('SELECT word FROM word ORDER BY rowid')
        .all()
        .map(({ word }) => word),
  };
}

void it(
  'goes on over transactions of others, and accounts for every offset',
  { timeout: 2 * patienceMs },
  async (test) => {
    const name = 'running';
    const topic = await openTopic(test, name);
    const projection = run(test, topic.log, name);
    await topic.own('first');
    await until('it follows', () => projection.seen().length === 1, patienceMs / 2);
    const expected = ['first', ...(await writeAllKinds(topic))];
    const end = await topic.end();
    const isAtEnd = (): boolean => projection.ledger().some((row) => row.end === end && row.lag === 0);
    await until('everything is read', isAtEnd, patienceMs / 2);
    assert.deepEqual(projection.seen(), expected);
    const [row] = projection.ledger();
    assert.equal(row?.balanced, true);
    assert.deepEqual(row.outcomes, {
      applied: expected.length,
      duplicate: 0,
      dead: 0,
      late: 0,
      gap: 0,
      compacted: end - expected.length,
    });
    assert.deepEqual(projection.problems(), []);
  },
);

void it(
  'explains every missing offset wherever reading begins, and however little is read',
  { timeout: 2 * patienceMs },
  async (test) => {
    const name = 'anywhere';
    const topic = await openTopic(test, name);
    const expected = await writeAllKinds(topic);
    const { id: topicId } = await topic.log.describe(name);
    const end = await topic.end();
    const never = new AbortController().signal;
    for (const maxBytes of [1, 8 << 20]) {
      const found: string[] = [];
      for (let from = 0; from < end; from++) {
        const read = await topic.log.read({
          topic: name,
          topicId,
          partition: 0,
          from,
          maxBytes,
          waitMs: 0,
          signal: never,
        });
        const folded = foldRecords(wordsIn(name), { next: from, marks: new Map(), discarded: new Set() }, read);
        assert.ok(folded !== 'jump', `from ${from}: ${JSON.stringify({ ...read, records: read.records.length })}`);
        const accounted = Object.values(folded.outcomes).reduce((sum, count) => sum + count, 0);
        assert.deepEqual([folded.next, accounted], [read.next, read.next - from]);
        assert.ok(read.skipped.every((range) => from <= range.from && range.from < range.to && range.to <= read.next));
        if (read.records[0]?.offset === from) found.push(folded.changes[0]!);
      }
      assert.deepEqual(found, expected);
    }
  },
);
