import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { spawnSamsa } from '../../test/support/start-shop.ts';
import { until } from '../../test/support/until.ts';
import { openDataFolder, readOrMakeSecret } from './data-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'samsa-data-folder-'));
after(() => rmSync(folder, { recursive: true }));

it('makes the folder with those above it, for its owner only', () => {
  const data = join(folder, 'shops', 'one');
  openDataFolder(data);
  assert.equal(statSync(data).mode & 0o777, 0o700);
  openDataFolder(data);
});

it('opens a folder with a link to a file that is not there yet', () => {
  const data = join(folder, 'linked');
  openDataFolder(data);
  symlinkSync(join(folder, 'another-disk.sqlite'), join(data, 'log.sqlite'));
  openDataFolder(data);
});

it('refuses a pipe in place of the secret, which would never end', () => {
  const data = join(folder, 'piped');
  openDataFolder(data);
  execFileSync('mkfifo', [join(data, 'secret')]);
  assert.throws(() => readOrMakeSecret(data), { code: 'data-folder-unusable', message: /it is a pipe, not a file/ });
});

it('refuses a place where no folder can be made, and does not go on trying', async () => {
  const web = spawnSamsa(['web'], '/proc/samsa');
  try {
    await until('it has ended', () => web.process.exitCode !== null);
    assert.equal(web.process.exitCode, 1);
    assert.match(web.output(), /^samsa: \/proc\/samsa: expected a place this process can write to/);
  } finally {
    web.process.kill('SIGKILL');
    await web.ended;
  }
});
