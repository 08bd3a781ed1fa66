import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startCaddy, startNginx } from './servers/reverse-proxies.ts';
import { startService } from './support/start-service.ts';
import { startShop, spawnSamsa, type Shop } from './support/start-shop.ts';
import { projectFolder } from './support/structure.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const operatorToken = 'a-token-of-this-test';
const book = JSON.stringify({ title: 'The Castle of Beetles', author: 'Gregor Prager' });

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

/** Sends one request on its own connection. @param from a loopback address, to be another client for nginx. */
async function send(url: string, options: RequestOptions & { payload?: string; from?: string } = {}): Promise<Answer> {
  const { payload, from, ...rest } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { agent: false, ...(from !== undefined && { localAddress: from }), ...rest },
      (answer) => {
        let body = '';
        answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body }));
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}

const post = (url: string, headers: Record<string, string> = {}): Promise<Answer> =>
  send(`${url}/api/books`, {
    method: 'POST',
    payload: book,
    headers: { 'content-type': 'application/json', ...headers },
  });

const reasonsOf = async (url: string): Promise<readonly string[]> =>
  (JSON.parse((await send(`${url}/health/ready`)).body) as { reasons: string[] }).reasons;

async function withShop(environment: Record<string, string>, body: (shop: Shop) => Promise<void>): Promise<void> {
  const data = makeTemporaryFolder();
  const shop = await startShop(data, environment);
  try {
    await body(shop);
  } finally {
    await shop.stop('SIGTERM');
  }
}

async function withNginx(location: string, body: (url: string) => Promise<void>): Promise<void> {
  const nginx = await startNginx(location);
  try {
    await body(nginx.url);
  } finally {
    await nginx.stop();
  }
}

const documentation = readFileSync(join(projectFolder, 'docs/proxy.md'), 'utf8');

/** The snippet of docs/proxy.md for nginx, in front of a service at `url`. */
function documented(url: string): string {
  const [, snippet = ''] = /```nginx\n(.*?)```/s.exec(documentation) ?? [];
  assert.match(snippet, /127\.0\.0\.1:8080/);
  return snippet.replace('http://127.0.0.1:8080', url);
}

/** Sends ten searches of one client with forged addresses, then one of another client. @returns the statuses. */
async function searchAsTwo(url: string): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let number = 0; number < 10; number++) {
    const headers = { 'x-forwarded-for': `203.0.113.${number}` };
    statuses.push((await send(`${url}/api/books?q=emma`, { from: '127.0.0.2', headers })).status);
  }
  const other = { from: '127.0.0.3', headers: { 'x-forwarded-for': '203.0.113.1' } };
  return [...statuses, (await send(`${url}/?q=emma`, other)).status];
}

/** Of a shop that knows its clients and answers eight requests of each. */
const eightOfEach = [...Array.from({ length: 8 }, () => 200), 429, 429, 200];

describe('a shop behind a proxy', () => {
  it('is closed by the first request when nginx has its default settings', () =>
    withShop({}, async (shop) => {
      assert.equal((await post(shop.web)).status, 201);
      assert.equal((await send(`${shop.recommendation}/recommendations?uid=anybody`)).status, 200);
      await withNginx(`location / { proxy_pass ${shop.web}; }`, async (url) => {
        assert.equal((await post(url)).status, 403);
        assert.equal((await send(`${url}/api/books/1`, { method: 'DELETE' })).status, 403);
        assert.equal((await post(shop.web)).status, 403);
        for (const service of [shop.web, shop.trend, shop.recommendation]) {
          assert.ok((await reasonsOf(service)).includes('proxied'), service);
        }
        assert.equal((await send(`${shop.recommendation}/recommendations?uid=anybody`)).status, 403);
        assert.equal((await send(`${url}/?q=dracula`)).status, 200);
        assert.match(shop.output(), /came through a proxy \(HTTP\/1\.0\)/);
      });
    }));

  it('is closed by the first page of a browser when nginx speaks HTTP/1.1 and hides itself', () =>
    withShop({}, async (shop) => {
      const location = `location / { proxy_pass ${shop.web}; proxy_http_version 1.1; proxy_set_header Connection ""; }`;
      await withNginx(location, async (url) => {
        const browser = {
          'sec-fetch-site': 'same-origin',
          'sec-fetch-dest': 'document',
          referer: 'http://shop.example/',
        };
        assert.equal((await send(`${url}/?q=emma`, { headers: { host: 'shop.example', ...browser } })).status, 200);
        assert.equal((await post(url)).status, 403);
        assert.deepEqual(await reasonsOf(shop.web), ['proxied']);
      });
    }));

  it('does not give everybody 429 when nginx hides its clients', () =>
    withShop({ SAMSA_APP_OPERATOR_TOKEN: operatorToken, SAMSA_APP_RATE_LIMIT: '5' }, async (shop) => {
      await withNginx(documented(shop.web), async (url) => {
        for (let number = 0; number < 30; number++) assert.equal((await send(`${url}/?q=emma`)).status, 200);
        assert.ok((await reasonsOf(shop.web)).includes('proxy-not-trusted'));
      });
    }));

  it('knows its clients when both are set up as docs/proxy.md says', () =>
    withShop(
      { SAMSA_APP_OPERATOR_TOKEN: operatorToken, SAMSA_APP_TRUST_PROXY: '127.0.0.1', SAMSA_APP_RATE_LIMIT: '8' },
      async (shop) => {
        await withNginx(documented(shop.web), async (url) => {
          assert.deepEqual(await searchAsTwo(url), eightOfEach);
          assert.equal((await post(url)).status, 403);
          assert.equal((await post(url, { authorization: `Bearer ${operatorToken}` })).status, 201);
          const form = await send(`${url}/api/books/1/actions`, {
            method: 'POST',
            from: '127.0.0.4',
            headers: {
              host: 'shop.example',
              origin: 'http://shop.example',
              'sec-fetch-site': 'same-origin',
              'content-type': 'application/x-www-form-urlencoded',
            },
            payload: 'action=wanted&back=/',
          });
          assert.equal(form.status, 303);
          assert.deepEqual(await reasonsOf(shop.web), []);
        });
      },
    ));

  it('knows its clients behind a CDN whose addresses are listed', () =>
    withShop(
      {
        SAMSA_APP_OPERATOR_TOKEN: operatorToken,
        SAMSA_APP_TRUST_PROXY: '127.0.0.1,127.0.9.0/24',
        SAMSA_APP_RATE_LIMIT: '8',
      },
      async (shop) => {
        await withNginx(documented(shop.web), (proxy) =>
          withNginx(`${documented(proxy).trim().slice(0, -1)} proxy_bind 127.0.9.7; }`, async (cdn) => {
            assert.deepEqual(await searchAsTwo(cdn), eightOfEach);
            assert.deepEqual(await reasonsOf(shop.web), []);
          }),
        );
      },
    ));

  it('knows its clients behind Caddy', () =>
    withShop(
      { SAMSA_APP_OPERATOR_TOKEN: operatorToken, SAMSA_APP_TRUST_PROXY: '127.0.0.1', SAMSA_APP_RATE_LIMIT: '8' },
      async (shop) => {
        const [, site = ''] = /```\nshop\.example \{\n(.*?)\}\n```/s.exec(documentation) ?? [];
        assert.match(site, /127\.0\.0\.1:8080/);
        const caddy = await startCaddy(site.replace('127.0.0.1:8080', new URL(shop.web).host));
        try {
          assert.deepEqual(await searchAsTwo(caddy.url), eightOfEach);
          assert.equal((await post(caddy.url)).status, 403);
          assert.equal((await post(caddy.url, { authorization: `Bearer ${operatorToken}` })).status, 201);
          assert.deepEqual(await reasonsOf(shop.web), []);
        } finally {
          await caddy.stop();
        }
      },
    ));

  it('sends live trends through at once', () =>
    withShop({ SAMSA_APP_OPERATOR_TOKEN: operatorToken, SAMSA_APP_TRUST_PROXY: '127.0.0.1' }, async (shop) => {
      await withNginx(documented(shop.trend), async (url) => {
        const leave = new AbortController();
        const stream = await fetch(`${url}/trends/live`, { signal: leave.signal });
        const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
        let received = '';
        const reading = (async () => {
          for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            received += value;
          }
        })().catch(() => {});
        await until('the first list is here', () => received.includes('event: trends'));
        await send(`${shop.web}/api/books?q=frankenstein`);
        await until('the search is here', () => received.includes('"frankenstein"'));
        leave.abort();
        await reading;
      });
    }));
});

describe('a public shop', () => {
  it('shows to nobody what readers of one address search for, and to everybody what readers of many do', () =>
    withShop(
      { SAMSA_APP_OPERATOR_TOKEN: operatorToken, SAMSA_APP_SECRET: 'a secret that decides the places' },
      async (shop) => {
        const searchAs = async (from: string, query: string): Promise<void> => {
          const [cookie] = (await send(shop.web, { from })).headers['set-cookie']![0]!.split(';');
          await send(shop.web, { from, headers: { cookie: cookie! } });
          const path = `${shop.web}/?q=${encodeURIComponent(query)}`;
          assert.equal((await send(path, { from, headers: { cookie: cookie! } })).status, 200);
        };
        for (let reader = 0; reader < 24; reader++) await searchAs('127.0.0.2', 'a phrase of one address');
        for (let reader = 3; reader < 60; reader++) await searchAs(`127.0.0.${reader}`, 'a phrase of many addresses');
        const shown = async (path: string, headers = {}) => (await send(`${shop.trend}${path}`, { headers })).body;
        await until('what many search for is shown', async () =>
          (await shown('/trends?ps=100')).includes('a phrase of many addresses'),
        );
        const operator = { authorization: `Bearer ${operatorToken}` };
        const hidden = '/trends/a%20phrase%20of%20one%20address';
        assert.match(await shown(hidden, operator), /"readers":2\d/);
        assert.doesNotMatch(await shown('/trends?ps=100'), /one address/);
        assert.equal((await send(`${shop.trend}${hidden}`)).status, 404);
      },
    ));
});

describe('three services bound beyond loopback', () => {
  it('refuse to start without a secret that they share', async () => {
    const data = makeTemporaryFolder();
    for (const [service, environment] of [
      ['all', { SAMSA_APP_HOST: '0.0.0.0' }],
      ['trend', { SAMSA_TREND_HOST: '0.0.0.0' }],
      ['web', { SAMSA_REMOTE_TREND_URL: 'http://trend.example:8081' }],
    ] as const) {
      const refused = spawnSamsa([service], data, environment);
      assert.equal(await refused.ended, 1);
      assert.match(refused.output(), /app\.secret: expected a secret that all services share, because /);
    }
  });

  it('work together with one secret, and limit nobody but their clients', async () => {
    const data = makeTemporaryFolder();
    const shared = {
      SAMSA_APP_SECRET: 'a secret of three services',
      SAMSA_APP_HOST: '0.0.0.0',
      SAMSA_TREND_HOST: '0.0.0.0',
      SAMSA_RECOMMENDATION_HOST: '0.0.0.0',
      SAMSA_APP_RATE_LIMIT: '40',
    };
    const started = await Promise.all([
      startService('trend', data, shared),
      startService('recommendation', data, shared),
    ]);
    const [trend, recommendation] = started.map(({ url }) => url.replace('0.0.0.0', '127.0.0.1')) as [string, string];
    const remote = { SAMSA_REMOTE_TREND_URL: trend, SAMSA_REMOTE_RECOMMENDATION_URL: recommendation };
    const web = await startService('web', data, { ...shared, ...remote });
    const shop = web.url.replace('0.0.0.0', '127.0.0.1');
    try {
      const first = await send(`${shop}/?q=dracula`);
      const cookie = first.headers['set-cookie']![0]!.split(';')[0]!;
      assert.equal((await post(shop)).status, 403);
      assert.equal((await send(`${recommendation}/recommendations?uid=anybody`)).status, 403);
      const own = `${recommendation}/recommendations?uid=${cookie.slice('uid='.length)}`;
      assert.equal((await send(own)).status, 200);
      await until('the page shows both panels', async () => {
        const { status, body } = await send(`${shop}/`, { headers: { cookie } });
        return status !== 200 || (body.includes('dracula') && !body.includes('not available right now'));
      });
      const statuses = [];
      for (let number = 0; number < 45; number++)
        statuses.push((await send(`${shop}/`, { headers: { cookie } })).status);
      assert.equal(statuses.at(-1), 429);
      assert.equal((await send(`${trend}/trends`)).status, 200, 'calls of the web service are not counted');
    } finally {
      await Promise.all([...started, web].map((service) => service.stop()));
    }
  });
});
