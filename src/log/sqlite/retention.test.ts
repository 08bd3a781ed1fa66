import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { openSqlite, type SqliteDatabase } from '../../sqlite/connection.ts';
import type { NewRecord } from '../../events/record.ts';
import { compactRecords, expireRecords } from './retention.ts';
import type { EventLog } from '../log.ts';
import { openSqliteLog } from './log.ts';
import { logMigrations } from './topics.ts';

const minuteMs = 60_000;
const never = new AbortController().signal;

type Given = {
  readonly log: EventLog;
  readonly database: SqliteDatabase;
  /** Appends at that minute. */
  readonly append: (minute: number, ...records: readonly NewRecord[]) => Promise<void>;
  readonly offsets: () => readonly number[];
};

function change(key: string | null): NewRecord {
  return { topic: 'changes', key: key === null ? null : Buffer.from(key), value: Buffer.from('{}'), headers: [] };
}

async function withLog(body: (given: Given) => Promise<void>): Promise<void> {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'log.sqlite');
  let nowMs = 0;
  const log = openSqliteLog(path, { clock: () => nowMs, busyTimeoutMs: 50 });
  const database = openSqlite(path, { migrations: logMigrations, busyTimeoutMs: 50 });
  try {
    await log.create('changes', { partitions: 1, retentionMs: 0, compacted: true });
    await body({
      log,
      database,
      append: async (minute, ...records) => {
        nowMs = minute * minuteMs;
        await log.append(records);
      },
      offsets: () =>
        database
          .prepare('SELECT log_offset FROM record_1 ORDER BY log_offset')
          .all()
          .map((row) => Number(row['log_offset'])),
    });
  } finally {
    database.close();
    await log.close();
  }
}

void describe('compaction', () => {
  const test = (behaviour: string, body: (given: Given) => Promise<void>): void =>
    void it(behaviour, () => withLog(body));

  test('looks at every record once, in batches that let others write between them', async (given) => {
    const keys = Array.from({ length: 1_000 }, (_, index) => `${index % 700}`);
    await given.append(0, ...keys.map(change));
    const appended: Promise<unknown>[] = [];
    setImmediate(() => appended.push(given.log.append([change('meanwhile')])));
    assert.equal(await compactRecords(given.database, 10 * minuteMs, never), 1_001);
    assert.equal(appended.length, 1, 'others had their turn');
    await appended[0];
    assert.deepEqual(
      given.offsets(),
      Array.from({ length: 701 }, (_, index) => index + 300),
    );
    assert.equal(await compactRecords(given.database, 10 * minuteMs, never), 0);
  });

  test('leaves alone what is younger than five minutes', async (given) => {
    await given.append(0, change('a'), change('a'));
    await given.append(6, change('a'), change('a'));
    await compactRecords(given.database, 8 * minuteMs, never);
    assert.deepEqual(given.offsets(), [1, 2, 3]);
    await compactRecords(given.database, 12 * minuteMs, never);
    assert.deepEqual(given.offsets(), [3]);
  });

  test('keeps records without a key', async (given) => {
    await given.append(0, change(null), change(null), change(''), change(''));
    await compactRecords(given.database, 10 * minuteMs, never);
    assert.deepEqual(given.offsets(), [0, 1, 3]);
  });

  test('looks at keys of any length a few at a time', async (given) => {
    const long = (index: number): NewRecord => change(`${index % 2}${'x'.repeat(700_000)}`);
    await given.append(0, ...[0, 1, 2, 3, 4, 5].map(long));
    await compactRecords(given.database, 10 * minuteMs, never);
    assert.deepEqual(given.offsets(), [4, 5]);
  });

  test('stops after a batch when its signal fires, and later continues from there', async (given) => {
    await given.append(0, ...Array.from({ length: 500 }, () => change('a')));
    const stopping = new AbortController();
    setImmediate(() => stopping.abort());
    assert.equal(await compactRecords(given.database, 10 * minuteMs, stopping.signal), 200);
    assert.equal(given.offsets().length, 301);
    assert.equal(await compactRecords(given.database, 10 * minuteMs, never), 300);
    assert.deepEqual(given.offsets(), [499]);
  });

  test('does everything once when two processes compact', async (given) => {
    await given.append(0, ...Array.from({ length: 600 }, (_, index) => change(`${index % 5}`)));
    const other = openSqlite(given.database.path, { migrations: logMigrations, busyTimeoutMs: 50 });
    await Promise.all([given.database, other].map((database) => compactRecords(database, 10 * minuteMs, never)));
    other.close();
    assert.deepEqual(given.offsets(), [595, 596, 597, 598, 599]);
  });

  test('reuses the space of removed records', async (given) => {
    const pages = (): number => Number(given.database.prepare('PRAGMA page_count').get()?.['page_count']);
    const large = (): NewRecord => ({ ...change('a'), value: Buffer.alloc(10_000) });
    await given.append(0, ...Array.from({ length: 300 }, large));
    await compactRecords(given.database, 10 * minuteMs, never);
    const before = pages();
    await given.append(0, ...Array.from({ length: 290 }, large));
    assert.equal(pages(), before);
  });
});

void it('removes exactly what is older than its topic keeps it, in many batches', async () => {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'log.sqlite');
  let nowMs = 1_000;
  const log = openSqliteLog(path, { clock: () => nowMs, busyTimeoutMs: 50 });
  const database = openSqlite(path, { migrations: logMigrations, busyTimeoutMs: 50 });
  try {
    for (const [topic, retentionMs] of [['brief', 500] as const, ['kept', 0] as const]) {
      await log.create(topic, { partitions: 1, retentionMs, compacted: false });
      const records = Array.from({ length: 2_500 }, () => ({ topic, key: null, value: null, headers: [] }));
      nowMs = 1_000;
      await log.append(records);
      nowMs = 1_200;
      await log.append(records.slice(0, 10));
    }
    assert.equal(await expireRecords(database, 1_500, never), 0);
    assert.equal(await expireRecords(database, 1_501, never), 2_500);
    assert.equal(await expireRecords(database, 1_501, never), 0);
    assert.deepEqual((await log.describe('brief')).partitions, [{ start: 2_500, end: 2_510 }]);
    assert.deepEqual((await log.describe('kept')).partitions, [{ start: 0, end: 2_510 }]);
  } finally {
    database.close();
    await log.close();
  }
});
