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

it('ends a service at the first signal when its start does not end', async () => {
  const starting = `
    import { runUntilStopped } from ${JSON.stringify(new URL('./serve.ts', import.meta.url))};
    setInterval(() => {}, 1_000);
    const start = () => (console.log('starting'), new Promise(() => {}));
    await runUntilStopped(start, console.log);
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', starting], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 15_000,
    killSignal: 'SIGKILL',
  });
  const closed = once(child, 'close');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until('it starts', () => output.includes('starting'));
  child.kill('SIGTERM');
  assert.deepEqual([await closed, output], [[0, null], 'starting\nsamsa: stopped while it was starting\n']);
});

it('counts one Ctrl-C once, also when a launcher passes it on', async () => {
  const data = makeTemporaryFolder();
  const shop = await startShop(data);
  shop.process.kill('SIGINT');
  shop.process.kill('SIGINT');
  assert.equal(await shop.stop('SIGCONT'), 0, shop.output());
});
