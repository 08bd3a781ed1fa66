import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffMs, pause, within } from './waiting.ts';

const backoff = { firstMs: 100, mostMs: 5_000 };

describe('waiting between attempts', () => {
  it('doubles with every failure, up to a cap', () => {
    const waits = [1, 2, 3, 6, 7, 1_000_000].map((failures) => backoffMs(failures, backoff, () => 1));
    assert.deepEqual(waits, [100, 200, 400, 3_200, 5_000, 5_000]);
  });

  it('leaves up to a half to chance', () => {
    assert.deepEqual(
      [0, 0.5].map((drawn) => backoffMs(1, backoff, () => drawn)),
      [50, 75],
    );
  });

  it('is over at once when the signal has fired or fires', async () => {
    const day = 86_400_000;
    await pause(day, AbortSignal.abort());
    const stopping = new AbortController();
    const paused = pause(day, stopping.signal);
    stopping.abort();
    await paused;
  });

  it('lasts no longer than what is waited for, and ends without it when that takes too long', async () => {
    const day = 86_400_000;
    await within(day, Promise.resolve());
    await assert.rejects(within(day, Promise.reject(new Error('broken'))), /broken/);
    await within(1, new Promise(() => {}));
  });
});
