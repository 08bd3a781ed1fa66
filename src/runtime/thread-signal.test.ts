import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createThreadSignal } from './thread-signal.ts';

const limits = { timeout: 30_000 };

/** Keeps the process alive until the signal is received: listening alone does not. */
function heard(): { onSignal: () => void; promise: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const alive = setInterval(() => {}, 1_000);
  return { onSignal: resolve, promise: promise.finally(() => clearInterval(alive)) };
}

function startThread(name: string, body: string): Worker {
  const url = JSON.stringify(new URL('./thread-signal.ts', import.meta.url).href);
  const source = `void import(${url}).then(({ createThreadSignal }) => { const name = '${name}'; ${body} });`;
  return new Worker(source, { eval: true });
}

void describe('a signal between threads', () => {
  void it('is received where another thread sent it', limits, async () => {
    const name = randomUUID();
    const { onSignal, promise } = heard();
    const signal = createThreadSignal(name, onSignal);
    signal.listen();
    const worker = startThread(name, 'createThreadSignal(name, () => {}).send();');
    const exited = once(worker, 'exit');
    await promise;
    await exited;
  });

  void it('is received in another thread', limits, async () => {
    const name = randomUUID();
    const signal = createThreadSignal(name, () => {});
    const worker = startThread(
      name,
      `const { parentPort } = require('node:worker_threads');
       const alive = setInterval(() => {}, 1000);
       createThreadSignal(name, () => { clearInterval(alive); parentPort.postMessage('heard'); }).listen();
       parentPort.postMessage('listening');`,
    );
    assert.deepEqual(await once(worker, 'message'), ['listening']);
    const answer = once(worker, 'message');
    signal.send();
    assert.deepEqual(await answer, ['heard']);
  });

  void it('is not received by listeners on another channel', limits, async () => {
    const channels: number[] = [];
    const next = heard();
    const signal = createThreadSignal(randomUUID(), (channel) => {
      channels.push(channel);
      next.onSignal();
    });
    signal.listen(5);
    signal.listen(7);
    signal.send(6);
    signal.send(7);
    await next.promise;
    assert.deepEqual(channels, [7]);
  });

  void it('calls back once for signals of one moment, and again after listening again', limits, async () => {
    let calls = 0;
    let next = heard();
    const signal = createThreadSignal(randomUUID(), () => {
      calls++;
      next.onSignal();
    });
    signal.listen();
    signal.listen();
    for (let sent = 0; sent < 5; sent++) signal.send();
    await next.promise;
    next = heard();
    signal.listen();
    signal.send();
    await next.promise;
    assert.equal(calls, 2);
  });
});
