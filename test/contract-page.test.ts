import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { keysByName } from '../src/config/keys.ts';
import { defaultTopicNames } from '../src/events/topics.ts';
import { spawnSamsa, startShop } from './support/start-shop.ts';
import { projectFolder } from './support/structure.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';

const page = await readFile(join(projectFolder, 'docs/contract.md'), 'utf8');

/** Those that the page does not name as code: `name`, or `… name …` within a longer piece of code. */
function missing(names: Iterable<string>): readonly string[] {
  const code = (page.match(/`[^`]+`/g) ?? []).map((piece) => ` ${piece.slice(1, -1)} `);
  return [...names].filter((name) => !code.some((piece) => piece.includes(` ${name} `) || piece.includes(` ${name}?`)));
}

describe('docs/contract.md', () => {
  it('names every setting', () => {
    assert.deepEqual(missing(keysByName.keys()), []);
  });

  it('names every topic', () => {
    assert.deepEqual(missing(Object.values(defaultTopicNames)), []);
  });

  it('names every route and every command', async (test) => {
    const data = makeTemporaryFolder();
    const shop = await startShop(data);
    test.after(async () => {
      await shop.stop('SIGKILL');
    });
    const routes = await Promise.all([shop.web, shop.trend, shop.recommendation].map(routesOf));
    assert.deepEqual(missing(routes.flat().filter((path) => !path.startsWith('/assets/'))), []);
    const help = spawnSamsa(['--help'], data);
    assert.equal(await help.ended, 0);
    const commands = [...help.output().matchAll(/^ {2}([a-z-]+)(?: \[options\])?(?: <\w+>)? {2,}\S/gm)].map(
      ([, name]) => name!,
    );
    assert.ok(commands.length > 8);
    assert.deepEqual(missing(commands.filter((name) => name !== 'help')), []);
  });
});

async function routesOf(service: string): Promise<readonly string[]> {
  const response = await fetch(`${service}/openapi.json`);
  const { paths } = (await response.json()) as { readonly paths: Readonly<Record<string, unknown>> };
  return Object.keys(paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1'));
}
