import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { spawnSamsa } from '../../test/support/start-shop.ts';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { until } from '../../test/support/until.ts';
import { keepSecret, lockDataFolder, openDataFolder, readOrMakeSecret, readSecret } from './data-folder.ts';

const folder = makeTemporaryFolder();

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

it('keeps a given secret only in a folder without one, and only in the form that it reads again', () => {
  const data = join(folder, 'given');
  openDataFolder(data);
  assert.equal(keepSecret(data, 'a text from a configuration'), null);
  assert.equal(readSecret(data), null);
  const [one, other] = ['1'.repeat(64), '2'.repeat(64)];
  assert.equal(keepSecret(data, one), one);
  assert.equal(keepSecret(data, other), one);
  assert.equal(readOrMakeSecret(data, assert.fail), one);
});

it('says when it makes a new secret in a folder where a shop has run', () => {
  const data = join(folder, 'lost');
  openDataFolder(data);
  const made = readOrMakeSecret(data, assert.fail);
  writeFileSync(join(data, 'search-index.sqlite'), '');
  assert.equal(readOrMakeSecret(data, assert.fail), made);
  rmSync(join(data, 'secret'));
  let lost = 0;
  assert.notEqual(
    readOrMakeSecret(data, () => lost++),
    made,
  );
  assert.equal(lost, 1);
});

it('says what to do with a damaged lock', () => {
  const data = join(folder, 'locked');
  openDataFolder(data);
  writeFileSync(join(data, 'web.lock'), 'x'.repeat(4_096));
  assert.throws(() => lockDataFolder(data, 'web', { command: 'test', clock: Date.now }), {
    code: 'data-folder-unusable',
    message: /web\.lock: expected a lock of a shop, .* Delete it when no process uses this folder/,
  });
});

it('refuses a pipe in place of the secret, because reading it would never end', () => {
  const data = join(folder, 'piped');
  openDataFolder(data);
  execFileSync('mkfifo', [join(data, 'secret')]);
  assert.throws(() => readOrMakeSecret(data, assert.fail), {
    code: 'data-folder-unusable',
    message: /it is a pipe, not a file/,
  });
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
