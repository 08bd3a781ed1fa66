import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SamsaError } from '../errors.ts';
import { keepTrying, onlyNews, retry } from './retry.ts';

const busy = new SamsaError('store-unavailable', 'busy', { retryable: true });
const broken = new SamsaError('store-damaged', 'broken');
const backoff = { firstMs: 1, mostMs: 2 };

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
    assert.equal(await retry(failing(busy, busy), { backoff }), 3);
  });

  it('stops at once at a failure that does not pass', async () => {
    const attempt = failing(broken);
    await assert.rejects(retry(attempt, { backoff }), broken);
    assert.equal(attempt(), 2);
  });

  it('lets the caller say which failures pass', async () => {
    const mayPass = (error: unknown): boolean => error === broken;
    assert.equal(await retry(failing(broken), { backoff, mayPass }), 2);
    await assert.rejects(retry(failing(busy), { backoff, mayPass }), busy);
  });

  it('throws the last failure after so many attempts, and after so long', async () => {
    await assert.rejects(retry(failing(broken, busy, busy), { backoff, attempts: 2, mayPass: () => true }), busy);
    await assert.rejects(retry(failing(busy, broken), { backoff, withinMs: -1 }), busy);
  });
});

describe('trying until it succeeds', () => {
  it('tells of each failure, and when it is over', async () => {
    const heard: unknown[] = [];
    const signal = new AbortController().signal;
    assert.equal(await keepTrying(failing(busy, broken), (trouble) => heard.push(trouble), signal, backoff), 3);
    assert.deepEqual(heard, [busy, broken, null]);
  });

  it('ends with nothing when the signal fires, and throws what it does not know', async () => {
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
      keepTrying(failing(bug), () => {}, new AbortController().signal, backoff),
      bug,
    );
  });
});

it('passes on trouble once per kind', () => {
  const heard: unknown[] = [];
  const hear = onlyNews((trouble) => heard.push(trouble));
  for (const trouble of [busy, busy, broken, null, null, busy]) hear(trouble);
  assert.deepEqual(heard, [busy, broken, null, busy]);
});
