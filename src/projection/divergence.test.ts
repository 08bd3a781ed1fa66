import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { SamsaError } from '../errors.ts';
import type { EventLog, ReadRequest, ReadResult } from '../log/log.ts';
import { openSqliteLog } from '../log/sqlite/log.ts';
import { fingerprintOf } from './fold-records.ts';
import { hasDiverged } from './divergence.ts';

const partition = { topic: 'words', partition: 0 };

describe('whether a state has diverged from the log', () => {
  let folder = '';
  let log: EventLog;
  let topicId = '';

  beforeEach(async () => {
    folder = makeTemporaryFolder();
    log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
    await log.create('words', { partitions: 1, retentionMs: 0, compacted: false });
    topicId = (await log.describe('words')).id;
    await log.append(
      ['a', 'b', 'c'].map((word) => ({ topic: 'words', key: null, value: Buffer.from(word), headers: [] })),
    );
  });

  afterEach(async () => {
    await log.close();
  });

  const fingerprintAt = async (from: number): Promise<string> => {
    const signal = new AbortController().signal;
    const { records } = await log.read({ ...partition, topicId, from, maxBytes: 1, waitMs: 0, signal });
    return fingerprintOf(records[0]!);
  };

  const diverged = (next: number, fingerprint: string | null, from = log, signal = AbortSignal.timeout(30_000)) =>
    hasDiverged({ log: from, partition, signal }, { next, topicId, fingerprint });

  it('has not while the record before its position is the one it applied', async () => {
    for (const next of [1, 2, 3]) assert.equal(await diverged(next, await fingerprintAt(next - 1)), false);
    assert.equal(await diverged(0, null), false);
  });

  it('has when that record is another one, or the log ends before the position', async () => {
    assert.equal(await diverged(3, await fingerprintAt(1)), true);
    assert.equal(await diverged(4, await fingerprintAt(2)), true);
  });

  /** Acts like a Kafka node that has just become leader: it knows its end, but gives out the last record late. */
  const givingTheLastOneLate = (onceWaitedFor: () => Promise<void>): EventLog => ({
    ...log,
    read: async (request: ReadRequest): Promise<ReadResult> => {
      const all = await log.read({ ...request, waitMs: 0 });
      if (request.from < all.end - 1 || request.from > all.end) return all;
      const late = { ...all, records: [], next: request.from, end: request.from };
      if (request.waitMs === 0) return late;
      const isGiven = onceWaitedFor().then(() => log.read(request));
      const isOver = new Promise<ReadResult>((resolve) => setTimeout(resolve, request.waitMs, late));
      return Promise.race([isGiven, isOver]);
    },
  });

  it('waits for the last record when the log does not return it yet', async () => {
    const soon = async (): Promise<void> => {};
    assert.equal(await diverged(3, await fingerprintAt(2), givingTheLastOneLate(soon)), false);
    assert.equal(await diverged(3, await fingerprintAt(1), givingTheLastOneLate(soon)), true);
    assert.equal(await diverged(4, await fingerprintAt(2), givingTheLastOneLate(soon)), true);
  });

  it('throws a retryable error when the log never returns the record', async () => {
    const never = givingTheLastOneLate(() => new Promise(() => {}));
    const fingerprint = await fingerprintAt(2);
    await assert.rejects(diverged(3, fingerprint, never), (error) => {
      assert.ok(error instanceof SamsaError && error.retryable);
      assert.match(error.message, /words\/0: expected record 2, which was read before/);
      return true;
    });
  });
});
