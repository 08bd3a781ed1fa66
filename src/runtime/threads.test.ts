import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it } from 'node:test';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { spawnSync } from 'node:child_process';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { until } from '../../test/support/until.ts';
import { SamsaError } from '../errors.ts';
import { fromPlainError, startWorker, toPlainError, createThreadSignal, type WorkerLink } from './threads.ts';

const folder = makeTemporaryFolder();

/** A thread that runs `body`, which has `link`. */
function start(body: string, options: { readonly restartAfterMs?: number } = {}) {
  const path = join(folder, `${Math.random()}.mjs`);
  const module = JSON.stringify(new URL('./threads.ts', import.meta.url).href);
  writeFileSync(path, `import { linkToParent } from ${module}; const link = linkToParent(); ${body}`);
  const heard: unknown[] = [];
  const ends: unknown[] = [];
  const link: WorkerLink<unknown> = startWorker<unknown, unknown>({
    entry: pathToFileURL(path),
    name: 'test',
    data: 'data',
    youngGenerationMiB: 8,
    onMessage: (message) => heard.push(message),
    onEnd: (cause) => ends.push(cause),
    ...options,
  });
  return { link, heard, ends };
}

describe('a link to a worker thread', () => {
  it('carries messages both ways, and ends when it is asked to', async () => {
    const { link, heard, ends } = start(
      `link.listen({ onMessage: (message) => link.tell([link.data, message]), onClose: () => link.tell('closing') });`,
    );
    link.tell('hello');
    await until('it has answered', () => heard.length > 0);
    await link.close();
    await link.close();
    assert.deepEqual([heard, ends], [[['data', 'hello'], 'closing'], []]);
  });

  it('ends a thread by force that does not end in time', async () => {
    const { link, heard } = start(`link.listen({ onClose: () => { for (;;); } }); link.tell('ready');`);
    await until('it listens', () => heard.length > 0);
    await link.close(1);
  });

  it('tells what ended a thread, and starts it again', async () => {
    const { link, heard, ends } = start(
      `link.tell('started'); link.listen({ onClose: () => {}, onMessage: () => { throw new Error('broken'); } });`,
      { restartAfterMs: 1 },
    );
    await until('it has started', () => heard.length === 1);
    link.tell('break');
    await until('it has started again', () => heard.length === 2);
    await link.close();
    assert.deepEqual(ends.map(String), ['Error: broken']);
  });
});

it('keeps what an error says when it goes from thread to thread', () => {
  const error = new SamsaError('spool-full', 'full', { retryable: true });
  const there = fromPlainError(structuredClone(toPlainError(error)));
  assert.ok(there instanceof SamsaError);
  assert.deepEqual([there.code, there.message, there.retryable], ['spool-full', 'full', true]);
  assert.deepEqual(fromPlainError(toPlainError(new TypeError('bug'))), new Error('bug'));
});

const limits = { timeout: 30_000 };

/** Keeps the process alive until the signal is received: listening alone does not. */
function heard(): { onSignal: () => void; promise: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const alive = setInterval(() => {}, 1_000);
  return { onSignal: resolve, promise: promise.finally(() => clearInterval(alive)) };
}

function startThread(name: string, body: string): Worker {
  const url = JSON.stringify(new URL('./threads.ts', import.meta.url).href);
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

const onLinux = process.platform === 'linux';

/** The priorities of the main thread and of a worker that lowers its own, in a process started at this `nice`. */
function prioritiesWhenStartedAt(lower: number): { main: number; before: number; after: number } {
  const module = JSON.stringify(new URL('./threads.ts', import.meta.url).href);
  const worker = `const { getPriority } = require('node:os');
    const { parentPort } = require('node:worker_threads');
    const before = getPriority();
    import(${module}).then(({ lowerThreadPriority }) => {
      lowerThreadPriority();
      parentPort.postMessage({ before, after: getPriority() });
    });`;
  const program = `const { getPriority } = require('node:os');
    const { Worker } = require('node:worker_threads');
    new Worker(${JSON.stringify(worker)}, { eval: true }).on('message', (seen) => {
      console.log(JSON.stringify({ main: getPriority(), ...seen }));
    });`;
  const { stdout, stderr } = spawnSync('nice', ['-n', String(lower), process.execPath, '-e', program], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^\{/, stderr);
  return JSON.parse(stdout) as { main: number; before: number; after: number };
}

describe('giving way', () => {
  const limits = { skip: onLinux ? false : 'only Linux has priorities of single threads' };

  it('lowers the priority of the calling thread, and of no other', limits, () => {
    const { main, before, after } = prioritiesWhenStartedAt(0);
    assert.ok(after > before || before === 19, `${before} became ${after}`);
    assert.equal(main, before);
  });

  it('never raises it', limits, () => {
    const { main, before, after } = prioritiesWhenStartedAt(18);
    assert.deepEqual([main, after], [before, 19]);
  });
});
