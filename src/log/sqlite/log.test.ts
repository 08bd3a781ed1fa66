import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { openSqlite } from '../../sqlite/connection.ts';
import { SamsaError, type ErrorCode } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { dayMs, hourMs } from '../../runtime/time.ts';
import { compactRecords, expireRecords } from './retention.ts';
import { eventLogContract } from '../log.contract.ts';
import type { EventLog } from '../log.ts';
import { openSqliteLog, type SqliteLogOptions } from './log.ts';
import { logMigrations } from './topics.ts';

const options: SqliteLogOptions = { clock: Date.now, busyTimeoutMs: 50 };
const never = new AbortController().signal;

const newPath = (): string => join(makeTemporaryFolder(), 'log.sqlite');

eventLogContract(
  'SQLite',
  () => {
    const path = newPath();
    return {
      open: () => openSqliteLog(path, options),
      expire: async () => {
        const database = openSqlite(path, { migrations: logMigrations, busyTimeoutMs: 50 });
        await expireRecords(database, Date.now() + dayMs + 1, never);
        database.close();
      },
      compact: async (_topic, laterMs) => {
        const database = openSqlite(path, { migrations: logMigrations, busyTimeoutMs: 50 });
        await compactRecords(database, Date.now() + laterMs, never);
        database.close();
      },
    };
  },
  { expires: true, compacts: true },
);

function record(value: string): NewRecord {
  return { topic: 't', key: null, value: Buffer.from(value), headers: [] };
}

function code(expected: ErrorCode, retryable: boolean) {
  return (error: unknown) => error instanceof SamsaError && error.code === expected && error.retryable === retryable;
}

void describe('SQLite log', () => {
  const test = (
    behaviour: string,
    given: Partial<SqliteLogOptions>,
    body: (log: EventLog, other: DatabaseSync) => Promise<void>,
  ): void => {
    void it(behaviour, async () => {
      const path = newPath();
      const log = openSqliteLog(path, { ...options, ...given });
      const other = new DatabaseSync(path);
      try {
        await log.create('t', { partitions: 1, retentionMs: 0, compacted: false });
        await body(log, other);
      } finally {
        other.close();
        await log.close();
      }
    });
  };
  const values = async (log: EventLog): Promise<readonly string[]> => {
    const { id } = await log.describe('t');
    const all = { topic: 't', topicId: id, partition: 0, from: 0, maxBytes: 1 << 20, waitMs: 0, signal: never };
    return (await log.read(all)).records.map(({ value }) => Buffer.from(value!).toString());
  };

  let stamps = 0;
  test('writes all calls of one turn in one transaction', { clock: () => ++stamps }, async (log) => {
    await Promise.all(Array.from({ length: 100 }, (_, index) => log.append([record(String(index))])));
    assert.equal(stamps, 1);
    await log.append([record('later')]);
    assert.equal(stamps, 2);
  });

  test('appends in order once another writer lets go', { busyTimeoutMs: 0, patienceMs: 60_000 }, async (log, other) => {
    other.exec('BEGIN IMMEDIATE');
    const appended = log.append([record('a')]);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const next = log.append([record('b')]);
    assert.deepEqual(await values(log), [], 'reads go on meanwhile');
    other.exec('COMMIT');
    await Promise.all([appended, next]);
    assert.deepEqual(await values(log), ['a', 'b']);
  });

  test('gives up on a store that stays busy', { busyTimeoutMs: 0, patienceMs: 30 }, async (log, other) => {
    other.exec('BEGIN IMMEDIATE');
    await assert.rejects(log.append([record('lost')]), code('log-unavailable', true));
    await assert.rejects(
      log.create('another', { partitions: 1, retentionMs: 0, compacted: false }),
      code('log-unavailable', true),
    );
    other.exec('ROLLBACK');
    await log.append([record('kept')]);
    assert.deepEqual(await values(log), ['kept']);
  });

  const few = { busyTimeoutMs: 0, patienceMs: 60_000, waitingRecords: 3, waitingBytes: 100 };
  test('refuses at once what would wait beyond the bounds', few, async (log, other) => {
    other.exec('BEGIN IMMEDIATE');
    const first = log.append([record('a'), record('b')]);
    await assert.rejects(log.append([record('c'), record('d')]), code('log-unavailable', true));
    await assert.rejects(log.append([record('e'.repeat(200))]), code('log-unavailable', true));
    const last = log.append([record('f')]);
    other.exec('ROLLBACK');
    await Promise.all([first, last]);
    assert.deepEqual(await values(log), ['a', 'b', 'f']);
  });

  test('takes a call larger than the bounds when nothing waits', few, async (log) => {
    await log.append(['a', 'b', 'c', 'd'].map(record));
    assert.deepEqual(await values(log), ['a', 'b', 'c', 'd']);
  });

  test('fails only the call that cannot be written', {}, async (log, other) => {
    other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON record_1 WHEN new.value = CAST('bad' AS BLOB)
      BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    const calls = ['a', 'bad', 'c'].map((value) => log.append([record('with'), record(value)]));
    const outcomes = (await Promise.allSettled(calls)).map(({ status }) => status);
    assert.deepEqual(outcomes, ['fulfilled', 'rejected', 'fulfilled']);
    assert.deepEqual(await values(log), ['with', 'a', 'with', 'c']);
    assert.equal((await log.describe('t')).partitions[0]?.end, 4);
  });

  test('spreads records without a key over all partitions', {}, async (log) => {
    await log.create('wide', { partitions: 3, retentionMs: 0, compacted: false });
    await log.append(Array.from({ length: 9 }, () => ({ ...record(''), topic: 'wide' })));
    const { partitions } = await log.describe('wide');
    assert.deepEqual(
      partitions.map(({ end }) => end),
      [3, 3, 3],
    );
  });

  test('refuses topics without partitions, or with more than positions can number', {}, async (log) => {
    for (const partitions of [0, 1.5, 9_000]) {
      const refused = log.create('bad', { partitions, retentionMs: 0, compacted: false });
      await assert.rejects(refused, code('bad-configuration', false));
    }
    await assert.rejects(log.describe('bad'), code('topic-unknown', false));
  });

  test('skips what compaction removed, also at the end', {}, async (log, other) => {
    await log.append(['a', 'b', 'c', 'd'].map(record));
    other.exec("DELETE FROM record_1 WHERE value IN (CAST('b' AS BLOB), CAST('d' AS BLOB))");
    const { id } = await log.describe('t');
    const request = { topic: 't', topicId: id, partition: 0, maxBytes: 1 << 20, waitMs: 0, signal: never };
    const all = await log.read({ ...request, from: 0 });
    assert.deepEqual([all.records.map(({ offset }) => offset), all.next], [[0, 2], 4]);
    const removed = await log.read({ ...request, from: 3, waitMs: 60_000 });
    assert.deepEqual([removed.records, removed.next], [[], 4]);
  });
});

void it('opens a log that had all partitions in one table, and goes on with it', async () => {
  const path = newPath();
  const [{ name, steps }] = logMigrations;
  const old = openSqlite(path, { migrations: [{ name, steps: steps.slice(0, 2) }], busyTimeoutMs: 50 });
  old.transaction(() => {
    old.prepare("INSERT INTO topic VALUES ('a', 't', 0, 1), ('b', 'none', 0, 0)").run();
    old
      .prepare(
        `INSERT INTO partition (topic_id, partition, start_offset, end_offset, compacted_to)
         VALUES ('a', 0, 3, 5, 4), ('a', 1, 0, 1, 0), ('b', 0, 0, 0, 0)`,
      )
      .run();
    const add = old.prepare("INSERT INTO record VALUES (? * 1099511627776 + ?, 7, CAST('k' AS BLOB), ?, x'0100')");
    for (const [number, offset] of [[1, 3] as const, [1, 4] as const, [2, 0] as const]) {
      add.run(number, offset, Buffer.from(`${number}/${offset}`));
    }
    old.prepare("INSERT INTO latest VALUES (1, CAST('k' AS BLOB), 1 * 1099511627776 + 3, NULL)").run();
  });
  old.close();

  const log = openSqliteLog(path, options);
  await log.append([{ ...record('new'), key: Buffer.from('k') }]);
  const read = async (partition: number) => {
    const request = { topic: 't', topicId: 'a', partition, from: 0, maxBytes: 1 << 20, waitMs: 0, signal: never };
    const { records } = await log.read(request);
    return records.map(({ offset, value, timestamp }) => [offset, Buffer.from(value!).toString(), timestamp]);
  };
  const [first, second] = [await read(0), await read(1)];
  assert.deepEqual(first.slice(0, 2), [
    [3, '1/3', 7],
    [4, '1/4', 7],
  ]);
  assert.deepEqual(second[0], [0, '2/0', 7]);
  assert.equal(first.length + second.length, 4);
  await log.close();

  const database = openSqlite(path, { migrations: logMigrations, busyTimeoutMs: 50 });
  await compactRecords(database, Date.now() + hourMs, never);
  const left = database.prepare('SELECT log_offset FROM record_1').all();
  assert.ok(!left.some((row) => row['log_offset'] === 3), 'a later record of its key has been looked at since');
  database.close();
});
