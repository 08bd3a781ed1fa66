import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { statusOf } from './support/ask-shop.ts';
import { spawnSamsa, startShop, type Shop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

type Row = Readonly<Record<string, unknown>>;

async function get(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return { status: response.status, body: await response.json() };
}

const rows = async (url: string): Promise<readonly Row[]> => (await get(url)).body as readonly Row[];

describe('a shop', () => {
  const data = makeTemporaryFolder();
  let shop: Shop;

  before(async () => {
    shop = await startShop(data);
  });

  after(async () => {
    await shop.stop('SIGKILL');
  });

  it('finds books of the demo catalogue', async () => {
    await until('the demo books are findable', async () => (await rows(`${shop.web}/api/books?q=gatsby`)).length > 0);
    const [first] = await rows(`${shop.web}/api/books?q=gatsby`);
    assert.equal(first?.['title'], 'The Great Gatsby');
    assert.deepEqual(Object.keys(first ?? {}).slice(0, 6), [
      'id',
      'title',
      'author',
      'published_at',
      'description',
      'created_at',
    ]);
    assert.ok((await rows(`${shop.web}/api/books`)).length === 10);
  });

  it('shows a search among the trends', async () => {
    await rows(`${shop.web}/api/books?q=frankenstein`);
    await until('the search is a trend', async () =>
      (await rows(`${shop.trend}/trends?ps=100`)).some(({ query }) => query === 'frankenstein'),
    );
    const trend = (await rows(`${shop.trend}/trends?ps=100`)).find(({ query }) => query === 'frankenstein');
    assert.deepEqual(Object.keys(trend ?? {}).sort(), [
      'as_of',
      'before',
      'books',
      'hourly',
      'kind',
      'query',
      'readers',
      'score',
      'searches',
      'variants',
      'why',
      'window',
    ]);
    assert.equal(trend?.['readers'], 1);
  });

  it('recommends what fits a reader’s own searches, with reasons', async () => {
    const first = await fetch(`${shop.web}/`);
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const reader = cookie.slice('uid='.length).split('.')[0];
    await (await fetch(`${shop.web}/api/books?q=dracula`, { headers: { cookie } })).text();
    const url = `${shop.recommendation}/recommendations?uid=${reader}`;
    await until('the search is a reason', async () => JSON.stringify(await rows(url)).includes('dracula'));
    const [recommended] = await rows(url);
    assert.deepEqual(Object.keys(recommended ?? {}).sort(), [
      'as_of',
      'author',
      'book_id',
      'reasons',
      'score',
      'tier',
      'title',
      'user_id',
    ]);
  });

  it('shows a page that works without scripts', async () => {
    const page = await (await fetch(`${shop.web}/?q=dracula`)).text();
    assert.match(page, /Bram Stoker/);
    assert.match(page, /just now/);
  });

  it('is live and ready on all three ports, and exposes metrics', async () => {
    for (const url of [shop.web, shop.trend, shop.recommendation]) {
      assert.equal((await get(`${url}/health/live`)).status, 200);
      await until('ready', async () => (await get(`${url}/health/ready`)).status === 200);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      assert.match(metrics, /samsa_projection_balanced\{projection="[\w-]+"\} 1\n/);
      assert.equal((await get(`${url}/openapi.json`)).status, 200);
    }
  });

  it('shows in its metrics that every answered search is in the log', async () => {
    const count = async (outcome: string): Promise<number> => {
      const metrics = await (await fetch(`${shop.web}/metrics`)).text();
      return Number(new RegExp(`samsa_search_events\\{outcome="${outcome}"\\} (\\d+)`).exec(metrics)?.[1]);
    };
    await (await fetch(`${shop.web}/api/books?q=emma`)).text();
    assert.ok((await count('accepted')) > 0);
    assert.equal(await count('accepted'), await count('published'));
    assert.deepEqual([await count('dropped'), await count('waiting')], [0, 0]);
  });

  it('answers bad queries with an error code, and publishes no event for them', async () => {
    const problems = [
      ['q=%ff', 400, 'malformed-query'],
      ['q=a%00b', 400, 'malformed-query'],
      [`q=${'x'.repeat(201)}`, 400, 'query-too-long'],
      ['q=a&q=b', 400, 'repeated-parameter'],
      ['o=-1', 400, 'bad-request'],
    ] as const;
    for (const [query, status, code] of problems) {
      const { status: got, body } = await get(`${shop.web}/api/books?${query}`);
      assert.deepEqual([got, (body as Row)['code']], [status, code], query.slice(0, 20));
    }
    for (const harmless of ['q=%25', 'q=_', 'q=%22OR+1', 'q=NEAR(', 'q=*', 'q=title%3A', 'q=', 'q=%20', 'q=🦉']) {
      assert.equal((await get(`${shop.web}/api/books?${harmless}`)).status, 200, harmless);
    }
  });

  it('refuses a second shop on the same data, and names the first', async () => {
    const second = spawnSamsa(['all'], data);
    assert.equal(await second.ended, 1);
    assert.match(second.output(), new RegExp(`${shop.process.pid}`));
    for (const service of ['APP', 'TREND', 'RECOMMENDATION'])
      assert.ok(second.output().includes(`SAMSA_${service}_PORT`));
  });

  it('reports how far every service has read', async () => {
    const { projections } = await statusOf(data);
    assert.deepEqual(new Set(projections.map(({ name }) => name)), new Set(['rec-svr', 'search-index', 'trend-svr']));
  });

  it('imports books while it runs', async () => {
    const file = join(data, 'books.csv');
    await writeFile(file, 'title,author,year\nThe Castle of Beetles,Gregor Prager,1915\n');
    const importing = spawnSamsa(['import', '--keep-demo', file], data);
    assert.equal(await importing.ended, 0, importing.output());
    await until('it is findable', async () => (await rows(`${shop.web}/api/books?q=beetles`)).length === 1);
  });

  it('keeps everything when it is killed, and stops cleanly when asked to', async () => {
    await rows(`${shop.web}/api/books?q=moby`);
    await shop.stop('SIGKILL');
    shop = await startShop(data);
    await until('the search was not lost', async () =>
      (await rows(`${shop.trend}/trends?ps=100`)).some(({ query }) => query === 'moby'),
    );
    assert.equal(await shop.stop('SIGTERM'), 0, shop.output());
    shop = await startShop(data);
  });
});

describe('samsa', () => {
  const data = makeTemporaryFolder();

  const ends = async (args: readonly string[], environment: Record<string, string>, message: RegExp): Promise<void> => {
    const command = spawnSamsa(args, join(data, 'shop'), environment);
    const code = await command.ended;
    assert.ok(code === 1 || code === 2, `exit code ${code}`);
    assert.match(command.output(), message);
    assert.doesNotMatch(command.output(), /\n\s+at /, 'no stack trace');
  };

  it('names every bad setting at once, and the nearest known one', async () => {
    const environment = { SAMSA_APP_PROT: '1', SAMSA_APP_PAGE_SIZE: 'many', SAMSA_TREND_PORT: '99999' };
    await ends(['all'], environment, /SAMSA_APP_PROT.*SAMSA_APP_PORT[\s\S]*SAMSA_TREND_PORT/);
    await ends(['all'], environment, /PAGE_SIZE/);
  });

  it('says which port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await until('the other program listens', () => other.listening);
    const { port } = other.address() as AddressInfo;
    try {
      for (const section of ['app', 'trend', 'recommendation']) {
        const variable = `SAMSA_${section.toUpperCase()}_PORT`;
        await ends(
          ['all'],
          { [variable]: String(port) },
          new RegExp(`port ${port}.* ${section}\\.port or ${variable} `),
        );
      }
    } finally {
      other.close();
    }
  });

  it('says what is wrong with the data folder', async () => {
    const file = join(data, 'a-file');
    await writeFile(file, '');
    await ends(['all'], { SAMSA_DATA: file }, /a-file/);
    await ends(['status'], { SAMSA_DATA: join(data, 'nothing') }, /no shop/);
  });

  it('refuses unknown commands and options', async () => {
    await ends(['al'], {}, /all/);
    await ends(['all', 'books'], {}, /--/);
    await ends(['import', join(data, 'missing.csv')], {}, /missing\.csv/);
    await ends(['all'], { SAMSA_MQ_BROKERS: 'localhost' }, /SAMSA_MQ_BROKERS: expected a list of host:port/);
  });
});

describe('a changed group id', () => {
  it('reads the log again into a separate state, and counts nothing twice', async () => {
    const data = makeTemporaryFolder();
    const searchesOf = async (shop: Shop): Promise<unknown> =>
      (await rows(`${shop.trend}/trends`)).find(({ query }) => query === 'dracula')?.['searches'];
    let shop = await startShop(data);
    await rows(`${shop.web}/api/books?q=dracula`);
    await until('it is counted', async () => (await searchesOf(shop)) === 1);
    await shop.stop('SIGTERM');
    shop = await startShop(data, { SAMSA_TREND_GROUP_ID: 'another/one' });
    await until('it is counted by the other one', async () => (await searchesOf(shop)) !== undefined);
    assert.equal(await searchesOf(shop), 1);
    await shop.stop('SIGTERM');
  });
});
