import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, getPriority } from 'node:os';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

const onLinux = process.platform === 'linux';

describe('giving way', () => {
  it(
    'lowers the priority of the thread that does, and of no other',
    {
      skip: onLinux ? false : 'only Linux gives each thread a priority of its own',
    },
    async () => {
      const module = JSON.stringify(new URL('./give-way.ts', import.meta.url).href);
      const code = `const { parentPort } = require('node:worker_threads');
      const { getPriority } = require('node:os');
      import(${module}).then(({ giveWay }) => {
        giveWay();
        parentPort.postMessage(getPriority());
      });`;
      const [priority] = await once(new Worker(code, { eval: true }), 'message');
      assert.equal(priority, constants.priority.PRIORITY_BELOW_NORMAL);
      assert.equal(getPriority(), constants.priority.PRIORITY_NORMAL);
    },
  );
});
