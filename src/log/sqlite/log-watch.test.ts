import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { createLogWatch, type LogWatchOptions } from './log-watch.ts';

const patienceMs = 30_000;
const never = new AbortController().signal;

/** A watch over one partition, number 1, that can be told what another connection has committed. */
function createWatch() {
  const seen = { version: 0, end: 0, fails: false };
  const options: LogWatchOptions = {
    name: randomUUID(),
    version: () => {
      if (seen.fails) throw new Error('the store cannot be asked');
      return seen.version;
    },
    endOf: () => seen.end,
  };
  return { watch: createLogWatch(options), seen };
}

void describe('log watch', () => {
  void it('wakes only who waits for what is announced', async () => {
    const { watch } = createWatch();
    const beyond = watch.wait(1, 5, patienceMs, never);
    const other = watch.wait(2, 0, patienceMs, never);
    const here = watch.wait(1, 4, patienceMs, never);
    watch.announce(new Map([[1, 5]]));
    assert.equal(await here, true);
    watch.endWaits();
    assert.deepEqual(await Promise.all([beyond, other]), [false, false]);
  });

  void it('wakes when another connection has committed', async () => {
    const { watch, seen } = createWatch();
    const waiting = watch.wait(1, 0, patienceMs, never);
    seen.version = 1;
    seen.end = 1;
    assert.equal(await waiting, true);
  });

  void it('notices what was committed between the read and the wait', async () => {
    const { watch, seen } = createWatch();
    const first = watch.wait(1, 0, patienceMs, never);
    watch.announce(new Map([[1, 1]]));
    await first;
    seen.end = 2;
    assert.equal(await watch.wait(1, 1, patienceMs, never), true);
  });

  void it('lets reads find out what is wrong with a store that cannot be asked', async () => {
    const { watch, seen } = createWatch();
    seen.fails = true;
    assert.equal(await watch.wait(1, 0, patienceMs, never), true);
  });
});
