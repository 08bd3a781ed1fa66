import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from './servers/database-server.ts';
import { startShop, type Shop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';

const version = '4.32.5';
const seconds = process.env['SAMSA_SCHEMATHESIS_SECONDS'] ?? '60';
const operatorToken = 'a-token-of-this-test';

/** Tries each service with requests made from its own description, all checks on. */
describe('the OpenAPI descriptions', () => {
  let folder = '';
  let shop: Shop;

  before(async () => {
    folder = makeTemporaryFolder();
    await install(join(folder, 'python'));
    const environment = { SAMSA_APP_OPERATOR_TOKEN: operatorToken, SAMSA_APP_RATE_LIMIT: '0' };
    shop = await startShop(join(folder, 'data'), environment);
  });

  after(async () => {
    await shop.stop('SIGTERM');
  });

  it('are true: what they allow is accepted, what they forbid is refused, and answers are as described', async () => {
    const programs = [shop.web, shop.trend, shop.recommendation].map((url) => tryAll(folder, url));
    for (const { code, output } of await Promise.all(programs)) assert.equal(code, 0, output);
  });
});

/** Into its own folder. Installs Debian's package when Python cannot make one. */
async function install(python: string): Promise<void> {
  if (!existsSync('/usr/bin/python3')) await installDebian();
  try {
    await run('python3', ['-m', 'venv', python]);
  } catch {
    await installDebian();
    await run('python3', ['-m', 'venv', python]);
  }
  await run(join(python, 'bin/pip'), ['install', '--quiet', `schemathesis==${version}`]);
}

async function installDebian(): Promise<void> {
  await run('apt-get', ['update', '-qq']);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'python3-venv']);
}

async function tryAll(folder: string, url: string): Promise<{ code: number | null; output: string }> {
  const authorization = `Authorization: Bearer ${operatorToken}`;
  const args = ['run', `${url}/openapi.json`, '--checks', 'all', '--max-time', seconds, '-H', authorization];
  const child = spawn(join(folder, 'python/bin/schemathesis'), [...args, '--exclude-path-regex', '/live$'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'servers/schemathesis.py') },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
