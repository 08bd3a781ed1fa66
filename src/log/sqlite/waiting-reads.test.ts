import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { createWaitingReads, type WaitingReadsOptions } from './waiting-reads.ts';

const patienceMs = 30_000;
const never = new AbortController().signal;

/** Waiting reads of one partition, number 1; `seen` is what other connections have committed. */
function openWaitingReads() {
  const seen = { version: 0, end: 0, fails: false };
  const options: WaitingReadsOptions = {
    name: randomUUID(),
    version: () => {
      if (seen.fails) throw new Error('the file cannot be read');
      return seen.version;
    },
    endOf: () => seen.end,
  };
  return { reads: createWaitingReads(options), seen };
}

void describe('waiting reads', () => {
  void it('wakes only the reads that wait for these ends', async () => {
    const { reads } = openWaitingReads();
    const beyond = reads.wait(1, 5, patienceMs, never);
    const other = reads.wait(2, 0, patienceMs, never);
    const here = reads.wait(1, 4, patienceMs, never);
    reads.wake(new Map([[1, 5]]));
    assert.equal(await here, true);
    reads.endWaits();
    assert.deepEqual(await Promise.all([beyond, other]), [false, false]);
  });

  void it('wakes when another connection has committed', async () => {
    const { reads, seen } = openWaitingReads();
    const waiting = reads.wait(1, 0, patienceMs, never);
    seen.version = 1;
    seen.end = 1;
    assert.equal(await waiting, true);
  });

  void it('notices what was committed between the read and the wait', async () => {
    const { reads, seen } = openWaitingReads();
    const first = reads.wait(1, 0, patienceMs, never);
    reads.wake(new Map([[1, 1]]));
    await first;
    seen.end = 2;
    assert.equal(await reads.wait(1, 1, patienceMs, never), true);
  });

  void it('wakes reads when the file cannot be read', async () => {
    const { reads, seen } = openWaitingReads();
    seen.fails = true;
    assert.equal(await reads.wait(1, 0, patienceMs, never), true);
  });
});
