import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { retryAfterMs } from './sender.ts';

/** Its stack keeps what it was called on, as those of the client keep connections. */
class Attempt {
  readonly buffer = Array.from({ length: 1_000 }, Math.random);

  fail(): Error {
    const addresses = Array.from({ length: 3 }, (_, node) => new Error(`connect ECONNREFUSED 127.0.0.1:${node}`));
    return new AggregateError(addresses, 'no broker answers', { cause: new Error('connection closed') });
  }
}

it('keeps little memory for the attempts of a long outage', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const kept: Error[] = [];
  const heapOf = (attempts: number): number => {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const error = new Attempt().fail();
      kept.push(error);
      retryAfterMs(attempt, error);
    }
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = heapOf(1_000);
  const bytesEach = (heapOf(10_000) - before) / 10_000;
  assert.ok(bytesEach < 1_000, `${bytesEach} bytes for each attempt`);
  assert.equal(kept.at(-1)!.message, 'no broker answers');
});

it('tries less often when an outage is long', () => {
  assert.ok(retryAfterMs(20, new Error('away')) <= 1_000);
  assert.ok(retryAfterMs(1_000, new Error('away')) >= 2_500);
});
