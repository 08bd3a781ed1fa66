import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

const onLinux = process.platform === 'linux';

/** Priorities of a process that was started at so much lower a one: of its main thread, and of a worker that gives way. */
function prioritiesWhenStartedAt(lower: number): { main: number; before: number; after: number } {
  const module = JSON.stringify(new URL('./thread-priority.ts', import.meta.url).href);
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
  const limits = { skip: onLinux ? false : 'only on Linux a priority is one of a thread' };

  it('lowers the priority of the thread that does, and of no other', limits, () => {
    const { main, before, after } = prioritiesWhenStartedAt(0);
    assert.ok(after > before || before === 19, `${before} became ${after}`);
    assert.equal(main, before);
  });

  it('never raises it', limits, () => {
    const { main, before, after } = prioritiesWhenStartedAt(18);
    assert.deepEqual([main, after], [before, 19]);
  });
});
