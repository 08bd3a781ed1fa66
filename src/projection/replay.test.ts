import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { openSqliteLog } from '../log/sqlite/log.ts';
import { createLogUpTo } from './replay.ts';

it('hides records beyond the bound, tells how far the log reaches, and gives more when the bound rises', async () => {
  const folder = makeTemporaryFolder();
  const log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
  const topic = 'letters';
  try {
    await log.create(topic, { partitions: 1, retentionMs: 0, compacted: false });
    await log.append(['a', 'b', 'c', 'd'].map((text) => ({ topic, key: null, value: Buffer.from(text), headers: [] })));
    const bounded = createLogUpTo(log);
    const { id: topicId } = await bounded.describe(topic);
    const stopping = new AbortController();
    const read = async (from: number, waitMs: number) => {
      const request = { topic, topicId, partition: 0, from, maxBytes: 1_000, waitMs, signal: stopping.signal };
      const { records, next, end } = await bounded.read(request);
      return { letters: records.map(({ value }) => Buffer.from(value!).toString()).join(''), next, end };
    };
    assert.deepEqual(await read(0, 0), { letters: '', next: 0, end: 4 });
    bounded.raise([{ topic, partition: 0, next: 3 }]);
    assert.deepEqual(await read(0, 0), { letters: 'abc', next: 3, end: 4 });
    assert.deepEqual(await read(2, 0), { letters: 'c', next: 3, end: 4 });
    bounded.raise([{ topic, partition: 0, next: 1 }]);
    assert.deepEqual(await read(3, 0), { letters: '', next: 3, end: 4 });
    const waiting = read(3, 600_000);
    bounded.raise([{ topic, partition: 0, next: 9 }]);
    assert.deepEqual(await waiting, { letters: 'd', next: 4, end: 4 });
    bounded.raise([{ topic, partition: 0, next: 4 }]);
    stopping.abort();
    assert.deepEqual(await read(9, 600_000), { letters: '', next: 9, end: 4 });
  } finally {
    await log.close();
  }
});
