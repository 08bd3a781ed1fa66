import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { startShop } from '../../test/support/start-shop.ts';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { until } from '../../test/support/until.ts';

/** A service that never closes, and keeps its process alive. The second signal comes while it answers the first one. */
const stubborn = `
  import { runUntilStopped } from ${JSON.stringify(new URL('./serve.ts', import.meta.url))};
  const forever = new Promise(() => {});
  setInterval(() => {}, 1_000);
  const start = async () => (console.log('running'), { url: '', close: () => forever });
  const say = (line) => {
    console.log(line);
    process.kill(process.pid, 'SIGTERM');
  };
  process.exitCode = await runUntilStopped(start, say);
`;

it('ends a service at the second signal when it does not stop at the first, however soon the second comes', async () => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', stubborn], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await until('it runs', () => output.includes('running'));
    child.kill('SIGTERM');
    await until('it has ended', () => child.exitCode !== null || child.signalCode !== null);
    assert.deepEqual([child.exitCode, output], [1, 'running\nsamsa: stopping\n']);
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    }
  }
});

it('counts one Ctrl-C once, also when a launcher passes it on', async () => {
  const data = makeTemporaryFolder();
  const shop = await startShop(data);
  shop.process.kill('SIGINT');
  shop.process.kill('SIGINT');
  assert.equal(await shop.stop('SIGCONT'), 0, shop.output());
});
