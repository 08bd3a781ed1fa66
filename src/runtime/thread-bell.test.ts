import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createThreadBell } from './thread-bell.ts';

const limits = { timeout: 30_000 };

/** Keeps the process alive until the bell is heard, which by itself it does not. */
function heard(): { onRing: () => void; promise: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const alive = setInterval(() => {}, 1_000);
  return { onRing: resolve, promise: promise.finally(() => clearInterval(alive)) };
}

function startThread(name: string, body: string): Worker {
  const url = JSON.stringify(new URL('./thread-bell.ts', import.meta.url).href);
  const source = `void import(${url}).then(({ createThreadBell }) => { const name = '${name}'; ${body} });`;
  return new Worker(source, { eval: true });
}

void describe('thread bell', () => {
  void it('is heard where another thread rang it', limits, async () => {
    const name = randomUUID();
    const { onRing, promise } = heard();
    const bell = createThreadBell(name, onRing);
    bell.listen();
    const worker = startThread(name, 'createThreadBell(name, () => {}).ring();');
    const exited = once(worker, 'exit');
    await promise;
    await exited;
  });

  void it('is heard in another thread', limits, async () => {
    const name = randomUUID();
    const bell = createThreadBell(name, () => {});
    const worker = startThread(
      name,
      `const { parentPort } = require('node:worker_threads');
       const alive = setInterval(() => {}, 1000);
       createThreadBell(name, () => { clearInterval(alive); parentPort.postMessage('heard'); }).listen();
       parentPort.postMessage('listening');`,
    );
    assert.deepEqual(await once(worker, 'message'), ['listening']);
    const answer = once(worker, 'message');
    bell.ring();
    assert.deepEqual(await answer, ['heard']);
  });

  void it('is not heard by who listens on another line', limits, async () => {
    const lines: number[] = [];
    const next = heard();
    const bell = createThreadBell(randomUUID(), (line) => {
      lines.push(line);
      next.onRing();
    });
    bell.listen(5);
    bell.listen(7);
    bell.ring(6);
    bell.ring(7);
    await next.promise;
    assert.deepEqual(lines, [7]);
  });

  void it('calls back once for rings of one moment, and again when told to listen again', limits, async () => {
    let calls = 0;
    let next = heard();
    const bell = createThreadBell(randomUUID(), () => {
      calls++;
      next.onRing();
    });
    bell.listen();
    bell.listen();
    for (let ring = 0; ring < 5; ring++) bell.ring();
    await next.promise;
    next = heard();
    bell.listen();
    bell.ring();
    await next.promise;
    assert.equal(calls, 2);
  });
});
