import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { samsa, spawnSamsa, startShop } from '../test/support/start-shop.ts';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { numberUpTo, wholeNumber } from './main.ts';

it('prints its version', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  for (const option of ['--version', '-V']) {
    const command = spawnSamsa([option], tmpdir());
    assert.deepEqual([await command.ended, command.output()], [0, `${version}\n`]);
  }
});

it('ends with the older Node that started it, also when that one is killed', { timeout: 30_000 }, async () => {
  const older = encodeURIComponent(
    `delete process.env.NODE_OPTIONS;
     Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } });`,
  );
  const environment = { NODE_OPTIONS: `--import=data:text/javascript,${older}` };
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const shop = await startShop(makeTemporaryFolder(), environment);
    // Both processes write to one pipe: it is closed when both have ended.
    assert.equal(await shop.stop(signal), signal === 'SIGTERM' ? 0 : null);
  }
});

describe('the output of a command', () => {
  it('may be closed by the program that reads it', () => {
    const { status, stderr } = spawnSync('sh', [
      '-c',
      `"$0" "$1" --help | head -n 1 >/dev/null`,
      process.execPath,
      samsa,
    ]);
    assert.deepEqual([status, String(stderr)], [0, '']);
  });

  it('is not written to a full disk, and the command says so', async () => {
    const data = makeTemporaryFolder();
    const full = openSync('/dev/full', 'w');
    const run = (...args: string[]) => {
      const env = { PATH: process.env['PATH'], SAMSA_DATA: data };
      const { status, stderr } = spawnSync(process.execPath, [samsa, ...args], {
        env,
        stdio: ['ignore', full, 'pipe'],
      });
      return [status, String(stderr)];
    };
    try {
      const refused = [1, 'samsa: the output cannot be written: ENOSPC: no space left on device, write\n'];
      assert.deepEqual(run('--help'), refused);
      assert.deepEqual(run('topics'), refused);
      const books = join(data, 'books.csv');
      await writeFile(books, `title\n${'x'.repeat(400)}\n`);
      assert.match(String(run('import', books)[1]), /the output cannot be written/);
      assert.deepEqual(run('export'), refused);
      const [status, said] = run('import', books, '--report', '/dev/full');
      assert.match(`${status} ${said}`, /^1 [^]*samsa: --report: \/dev\/full cannot be written: ENOSPC.*\n/);
      assert.doesNotMatch(String(said), /^ {4}at /m);
    } finally {
      closeSync(full);
    }
  });
});

describe('numbers on the command line', () => {
  it('are taken up to their bounds', () => {
    assert.deepEqual(['1', '50'].map(wholeNumber(1, 50)), [1, 50]);
    assert.deepEqual(['0.5', '50'].map(numberUpTo(50)), [0.5, 50]);
  });

  it('are refused outside them, and where they are no numbers', () => {
    for (const text of ['0', '51', '1.5', '-1', '1e1', '']) assert.throws(() => wholeNumber(1, 50)(text), text);
    for (const text of ['0', '50.1', '-1', '1e1', ' 1', '']) assert.throws(() => numberUpTo(50)(text), text);
  });

  it('are refused with what was expected, what came, and what to do', async () => {
    const data = makeTemporaryFolder();
    const refusal = async (...args: string[]): Promise<string> => {
      const command = spawnSamsa(args, data);
      assert.equal(await command.ended, 2, command.output());
      return command.output();
    };
    assert.match(
      await refusal('dead-letters', 'list', '--limit', '2.5'),
      /'--limit <n>' argument '2\.5' is invalid\. Expected a whole number from 1 to 100000: give that, or leave the option out\./,
    );
    assert.match(
      await refusal('dead-letters', 'redrive', '--all', '--rate', '0'),
      /'--rate <n>' argument '0' is invalid\. Expected a number above 0 and up to 1000000: give that, or leave/,
    );
  });
});
