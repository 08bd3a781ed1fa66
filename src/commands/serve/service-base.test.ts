import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, copyFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { reasonsOf } from '../../../test/support/ask-shop.ts';
import { samsa, spawnSamsa, startShop } from '../../../test/support/start-shop.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { until } from '../../../test/support/until.ts';
import { loadConfig } from '../../config/config.ts';
import { descriptorNotice, openModeNotice, requireOwnPorts } from './exposure.ts';

it('says that a file of a running shop is missing, and when it is back', async () => {
  const data = makeTemporaryFolder();
  const shop = await startShop(data);
  const [file, away] = [join(data, 'trend.sqlite'), join(data, 'elsewhere')];
  try {
    await rename(file, away);
    await until('readiness says it', async () => (await reasonsOf(shop.trend)).includes('files-missing'));
    assert.ok(!(await reasonsOf(shop.recommendation)).includes('files-missing'));
    assert.match(await (await fetch(`${shop.trend}/metrics`)).text(), /^samsa_files_missing 1$/m);
    await rename(away, file);
    await until('readiness is as before', async () => !(await reasonsOf(shop.trend)).includes('files-missing'));
    assert.equal(shop.output().match(/a file of this shop is missing/g)?.length, 1);
    await rename(file, away);
    await copyFile(away, file);
    await until('a copy is not taken for the file', async () => shop.output().includes('was replaced while it runs'));
    assert.ok((await reasonsOf(shop.trend)).includes('files-missing'));
    await rename(join(data, 'secret'), away);
    await until('the secret is missed', async () => (await reasonsOf(shop.web)).includes('files-missing'));
    await copyFile(away, join(data, 'secret'));
    await until('a copy of it will do', async () => !(await reasonsOf(shop.web)).includes('files-missing'));
  } finally {
    await shop.stop('SIGTERM');
  }
});

it('keeps data files readable by their owner only, also existing ones', async () => {
  const data = makeTemporaryFolder();
  let shop = await startShop(data);
  const open = async (): Promise<readonly string[]> => {
    const names = await readdir(data);
    const modes = await Promise.all(names.map(async (name) => (await stat(join(data, name))).mode));
    return names.filter((_, at) => (modes[at]! & 0o077) !== 0);
  };
  assert.deepEqual(await open(), []);
  await shop.stop('SIGTERM');
  for (const name of ['log.sqlite', 'secret']) await chmod(join(data, name), 0o644);
  shop = await startShop(data);
  assert.deepEqual(await open(), []);
  await shop.stop('SIGTERM');
});

it('refuses a pipe, a device and a folder as configuration', async () => {
  const data = makeTemporaryFolder();
  await writeFile(join(data, 'config.yml'), 'app:\n  port: 0\n');
  for (const [file, kind] of [
    ['/dev/zero', 'a device'],
    [data, 'a folder'],
  ] as const) {
    const refused = spawnSamsa(['status', '--config', file], join(data, 'shop'));
    assert.equal(await refused.ended, 1);
    assert.match(refused.output(), new RegExp(`it is ${kind}, not a file`));
  }
});

it('says at the start of an open shop who may change books, and how to close it', () => {
  const noticeOf = (environment: Readonly<Record<string, string>>): readonly string[] =>
    openModeNotice(loadConfig({ environment }).config);
  assert.match(noticeOf({}).join('|'), /^open mode +everybody who reaches .* a proxy .* set app\.operator_token[^|]*$/);
  for (const closed of [
    { SAMSA_APP_OPERATOR_TOKEN: 'a-token-of-this-test' },
    { SAMSA_APP_TRUST_PROXY: '10.0.0.1' },
    { SAMSA_TREND_HOST: '0.0.0.0' },
  ]) {
    assert.deepEqual(noticeOf(closed), []);
  }
});

it('says in one line when there are few file descriptors', () => {
  const limits = (most: string): string =>
    `Limit   Soft Limit  Hard Limit  Units\nMax open files   ${most}   4096   files\n`;
  assert.match(descriptorNotice(limits('256')).join(), /only 256 files and connections: raise the limit to 1024/);
  for (const most of ['1024', '1048576', 'unlimited']) assert.deepEqual(descriptorNotice(limits(most)), [], most);
  assert.deepEqual(descriptorNotice(''), []);
  assert.throws(() => descriptorNotice(limits('127')), /only 127 files and connections: raise the limit to 1024/);
});

it('says so in one line when there are too few file descriptors to load the program', async () => {
  const data = makeTemporaryFolder();
  for (const most of ['22', '24', '32', '64', '100']) {
    const command = `ulimit -n ${most}; exec "$0" "$1" all`;
    const { status, stderr, stdout } = spawnSync('sh', ['-c', command, process.execPath, samsa], {
      encoding: 'utf8',
      env: { SAMSA_DATA: data, PATH: process.env['PATH'] },
    });
    assert.deepEqual([status, stdout], [1, ''], most);
    assert.match(stderr, /^samsa: .*raise the limit to 1024 or more \(ulimit -n\)\n$/, most);
  }
});

it('refuses two services of one process on one port', () => {
  const ports = (app: string, trend: string, host = '127.0.0.1') => {
    const environment = { SAMSA_APP_PORT: app, SAMSA_TREND_PORT: trend, SAMSA_TREND_HOST: host };
    return () => requireOwnPorts(loadConfig({ environment }).config);
  };
  assert.throws(ports('9000', '9000'), { code: 'bad-configuration', message: /app\.port and trend\.port: .* 9000/ });
  assert.throws(ports('9000', '9000', '0.0.0.0'), { code: 'bad-configuration' });
  assert.doesNotThrow(ports('9000', '9000', '127.0.0.2'));
  assert.doesNotThrow(ports('0', '0'));
});

it('goes on when what it prints and logs cannot be written, as on a full disk', { timeout: 60_000 }, async () => {
  const data = makeTemporaryFolder();
  const full = openSync('/dev/full', 'w');
  const place = createServer().listen(0, '127.0.0.1');
  await once(place, 'listening');
  const { port } = place.address() as AddressInfo;
  place.close();
  await once(place, 'close');
  const ports = { SAMSA_APP_PORT: String(port), SAMSA_TREND_PORT: '0', SAMSA_RECOMMENDATION_PORT: '0' };
  const shop = spawn(process.execPath, [samsa, 'all'], {
    env: { PATH: process.env['PATH'], SAMSA_DATA: data, SAMSA_LOG_LEVEL: 'debug', ...ports },
    stdio: ['ignore', full, full],
  });
  const ended = once(shop, 'close');
  try {
    const answers = async (): Promise<boolean> => {
      assert.deepEqual([shop.exitCode, shop.signalCode], [null, null]);
      return fetch(`http://127.0.0.1:${port}/api/books?q=emma`).then(
        ({ ok }) => ok,
        () => false,
      );
    };
    await until('the shop answers', answers);
    assert.ok(await answers());
    shop.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  } finally {
    shop.kill('SIGKILL');
    closeSync(full);
  }
});
