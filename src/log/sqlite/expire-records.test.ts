import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { openSqlite } from '../../sqlite/connection.ts';
import { expireRecords } from './expire-records.ts';
import { openSqliteLog } from './log.ts';
import { logMigrations } from './topics.ts';

const never = new AbortController().signal;

void it('removes exactly what is older than its topic keeps it, in many batches', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'samsa-log-'));
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
    rmSync(folder, { recursive: true });
  }
});
