import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffMs, pause, within, keepTrying, onlyChanges, retry } from './waiting.ts';
import { SamsaError } from '../errors.ts';

const backoff = { firstMs: 100, mostMs: 5_000 };

describe('waiting between attempts', () => {
  it('doubles with every failure, up to a cap', () => {
    const waits = [1, 2, 3, 6, 7, 1_000_000].map((failures) => backoffMs(failures, backoff, () => 1));
    assert.deepEqual(waits, [100, 200, 400, 3_200, 5_000, 5_000]);
  });

  it('makes up to half of it random', () => {
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

const busy = new SamsaError('store-unavailable', 'busy', { retryable: true });
const broken = new SamsaError('store-damaged', 'broken');
const brief = { firstMs: 1, mostMs: 2 };

/** Throws these errors in turn, then gives how often it was called. */
function failing(...errors: readonly unknown[]): () => number {
  let calls = 0;
  return () => {
    if (calls < errors.length) throw errors[calls++];
    return ++calls;
  };
}

describe('retrying', () => {
  it('makes attempts until one succeeds', async () => {
    assert.equal(await retry(failing(busy, busy), { backoff: brief }), 3);
  });

  it('stops at once at a permanent failure', async () => {
    const attempt = failing(broken);
    await assert.rejects(retry(attempt, { backoff: brief }), broken);
    assert.equal(attempt(), 2);
  });

  it('lets the caller say which failures are temporary', async () => {
    const isTemporary = (error: unknown): boolean => error === broken;
    assert.equal(await retry(failing(broken), { backoff: brief, isTemporary }), 2);
    await assert.rejects(retry(failing(busy), { backoff: brief, isTemporary }), busy);
  });

  it('throws the last failure after so many attempts, and after so long', async () => {
    await assert.rejects(
      retry(failing(broken, busy, busy), { backoff: brief, attempts: 2, isTemporary: () => true }),
      busy,
    );
    await assert.rejects(retry(failing(busy, broken), { backoff: brief, withinMs: -1 }), busy);
  });
});

describe('trying until it succeeds', () => {
  it('tells of each failure, and when it is over', async () => {
    const heard: unknown[] = [];
    const signal = new AbortController().signal;
    assert.equal(await keepTrying(failing(busy, broken), (trouble) => heard.push(trouble), signal, brief), 3);
    assert.deepEqual(heard, [busy, broken, null]);
  });

  it('returns null when the signal fires, and throws other errors', async () => {
    const stopping = new AbortController();
    const result = await keepTrying(
      () => {
        stopping.abort();
        throw busy;
      },
      () => assert.fail(),
      stopping.signal,
    );
    assert.equal(result, null);
    const bug = new TypeError('bug');
    await assert.rejects(
      keepTrying(failing(bug), () => {}, new AbortController().signal, brief),
      bug,
    );
  });
});

it('passes on trouble once per kind', () => {
  const heard: unknown[] = [];
  const hear = onlyChanges((trouble) => heard.push(trouble));
  for (const trouble of [busy, busy, broken, null, null, busy]) hear(trouble);
  assert.deepEqual(heard, [busy, broken, null, busy]);
});
