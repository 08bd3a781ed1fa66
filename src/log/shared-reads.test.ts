import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { eventLogContract } from './log.contract.ts';
import type { ReadRequest } from './log.ts';
import { shareReads } from './shared-reads.ts';
import { openSqliteLog } from './sqlite/log.ts';

const topic = 'searches';
const never = new AbortController().signal;

eventLogContract(
  'SQLite, reads shared',
  async () => {
    const folder = makeTemporaryFolder();
    return {
      open: () => shareReads(openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 })),
    };
  },
  // Both are tested with the log itself.
  { expires: false, compacts: false },
);

/** A shared log of one partition, and how often the log itself was read. */
async function openShared(test: TestContext) {
  const folder = makeTemporaryFolder();
  const log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
  test.after(async () => {
    await log.close();
  });
  await log.create(topic, { partitions: 1, retentionMs: 0, compacted: false });
  const { id: topicId } = await log.describe(topic);
  let reads = 0;
  const shared = shareReads({
    ...log,
    read: (request) => {
      reads++;
      return log.read(request);
    },
  });
  const usual = { topic, topicId, partition: 0, from: 0, maxBytes: 1_000, waitMs: 10_000, signal: never };
  return {
    close: shared.close,
    append: (...values: readonly string[]) =>
      log.append(values.map((value) => ({ topic, key: null, value: Buffer.from(value), headers: [] }))),
    read: (request: Partial<ReadRequest> = {}) => shared.read({ ...usual, ...request }),
    reads: () => reads,
  };
}

void describe('shared reads', () => {
  it('wait together, and get the same records', async (test) => {
    const { append, read, reads } = await openShared(test);
    const both = Promise.all([read(), read()]);
    await append('one');
    const [one, other] = await both;
    assert.equal(one.records.length, 1);
    assert.equal(one.records[0], other.records[0]);
    assert.equal(reads(), 1);
  });

  it('give a later reader what was read last, from its own offset', async (test) => {
    const { append, read, reads } = await openShared(test);
    await append('one', 'two', 'three');
    const first = await read();
    const later = await read({ from: 1 });
    assert.equal(reads(), 1);
    assert.deepEqual(later.records, first.records.slice(1));
    assert.deepEqual([later.next, later.start, later.end], [3, 0, 3]);
  });

  it('ask the log for what was not read yet, and for what lies before the last read', async (test) => {
    const { append, read, reads } = await openShared(test);
    await append('one', 'two');
    await read({ from: 1 });
    assert.equal((await read({ from: 0 })).records.length, 2);
    await append('three');
    assert.equal((await read({ from: 2 })).records.length, 1);
    assert.equal(reads(), 3);
  });

  it('never give more bytes than were asked for', async (test) => {
    const { append, read } = await openShared(test);
    await append('one', 'two');
    await read();
    assert.equal((await read({ maxBytes: 1 })).records.length, 1);
  });

  it('ask the log when the read may not wait', async (test) => {
    const { append, read } = await openShared(test);
    const waiting = read();
    assert.deepEqual((await read({ waitMs: 0 })).records, []);
    await append('one');
    assert.equal((await waiting).records.length, 1);
    await append('two');
    assert.equal((await read({ waitMs: 0 })).records.length, 2);
  });

  it('end early, without records, when one of the joined reads is aborted', async (test) => {
    const { append, read } = await openShared(test);
    const leaving = new AbortController();
    const both = Promise.all([read({ signal: leaving.signal }), read()]);
    leaving.abort();
    assert.deepEqual(
      (await both).map(({ records }) => records.length),
      [0, 0],
    );
    await append('one');
    assert.equal((await read()).records.length, 1);
  });

  it('ask the log again when both have what was read last', async (test) => {
    const { append, read, reads } = await openShared(test);
    const joined = [read(), read()];
    await append('one');
    await Promise.all(joined);
    await read({ from: 0 });
    await read({ from: 0 });
    assert.equal(reads(), 2);
    await read({ from: 0 });
    assert.equal(reads(), 3);
  });

  it('ask the log again after a while', async (test) => {
    const { append, read, reads } = await openShared(test);
    await append('one');
    test.mock.timers.enable({ apis: ['setTimeout'] });
    await read();
    test.mock.timers.tick(1_000);
    await read();
    assert.equal(reads(), 2);
  });

  it('give nothing once the log is closed', async (test) => {
    const { append, read, close } = await openShared(test);
    await append('one');
    await read();
    await close();
    await assert.rejects(read(), /closed/);
  });

  it('tell every joined read why the log cannot be read', async (test) => {
    const { read } = await openShared(test);
    const failing = { topicId: 'another', waitMs: 1_000 };
    for (const { status } of await Promise.allSettled([read(failing), read(failing)])) assert.equal(status, 'rejected');
  });
});
