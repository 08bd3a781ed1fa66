import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Type } from '@sinclair/typebox';
import { pino } from 'pino';
import { openTestServer } from '../../test/support/open-test-server.ts';
import { SamsaError } from '../errors.ts';
import type { HttpServerOptions } from './server.ts';
import { listen } from './connections.ts';

async function open(test: TestContext, overrides: Partial<HttpServerOptions> = {}) {
  const server = await openTestServer(overrides);
  test.after(() => server.close());
  server.get('/trends', () => []);
  server.get('/trends/:query', (request) => request.params as object);
  server.post('/echo', (request) => request.body);
  server.get('/long', () => ({ text: 'emma '.repeat(1_000) }));
  server.get(
    '/numbers',
    {
      schema: {
        querystring: Type.Object({
          n: Type.Optional(Type.Integer()),
          exact: Type.Optional(Type.Literal('1')),
          list: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
        }),
      },
    },
    (request) => request.query,
  );
  server.get('/damaged', () => {
    throw new SamsaError('store-damaged', 'trend.sqlite: damaged');
  });
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 }, 'app');
  /** Sends bytes and resolves with everything that comes back until the server closes the connection. */
  const exchange = async (bytes: string): Promise<string> => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = '';
    socket.on('data', (data: Buffer) => (received += data.toString()));
    socket.end(bytes);
    await once(socket, 'close');
    return received;
  };
  return { server, url, exchange };
}

const problemType = 'application/problem+json';

describe('methods and addresses', () => {
  it('are answered with 405 and Allow where the address has other methods', async (test) => {
    const { server } = await open(test);
    for (const [method, url, allow] of [
      ['POST', '/trends', 'GET, HEAD'],
      ['DELETE', '/trends/emma?x=1', 'GET, HEAD'],
      ['GET', '/echo', 'POST'],
      ['OPTIONS', '/echo', 'POST'],
    ] as const) {
      const { statusCode, headers } = await server.inject({ method, url });
      assert.deepEqual([statusCode, headers.allow, headers['content-type']], [405, allow, problemType], url);
    }
    assert.equal((await server.inject({ method: 'POST', url: '/nothing' })).statusCode, 404);
  });

  it('do not include CONNECT', async (test) => {
    const { exchange } = await open(test);
    const answer = await exchange('CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 405 .*\r\nallow: GET, HEAD, POST\r\n.*"code":"method-not-allowed"/s);
  });

  it('are listed for the whole server', async (test) => {
    const { exchange } = await open(test);
    const answer = await exchange('OPTIONS * HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 204 .*\r\nallow: GET, HEAD, POST\r\n/s);
    assert.match(await exchange('GET * HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 404 /);
  });

  it('redirect to the address without a trailing slash', async (test) => {
    const { server } = await open(test);
    for (const [url, location] of [
      ['/trends/', '/trends'],
      ['/trends//?ps=5&x=/', '/trends?ps=5&x=/'],
      ['/trends/emma/', '/trends/emma'],
    ] as const) {
      const { statusCode, headers } = await server.inject(url);
      assert.deepEqual([statusCode, headers.location], [308, location], url);
    }
    for (const url of ['/nothing/', '//evil.test/', '//trends/']) {
      assert.equal((await server.inject(url)).statusCode, 404, url);
    }
  });

  it('take a parameter several times only where the route wants a list', async (test) => {
    const { server } = await open(test);
    const { statusCode, json } = await server.inject('/numbers?list=a&list=b');
    assert.deepEqual([statusCode, json()], [200, { list: ['a', 'b'] }]);
    assert.equal((await server.inject('/numbers?n=1&n=2')).statusCode, 400);
    assert.equal((await server.inject('/long?list=a&list=b')).statusCode, 400);
  });

  it('take an empty number or choice as missing', async (test) => {
    const { server } = await open(test);
    for (const url of ['/numbers', '/numbers?n=', '/numbers?exact=&n='])
      assert.deepEqual((await server.inject(url)).json(), {}, url);
    assert.deepEqual((await server.inject('/numbers?n=9007199254740991')).json(), { n: Number.MAX_SAFE_INTEGER });
    assert.equal((await server.inject('/numbers?n=9007199254740992')).statusCode, 400);
    const description: unknown = (await server.inject('/openapi.json')).json();
    const { parameters } = (description as Description).paths['/numbers']!.get;
    for (const { name, schema } of parameters.filter(({ name }) => name !== 'list')) {
      assert.deepEqual(schema.anyOf?.at(-1), { type: 'string', maxLength: 0 }, `${name} may be empty`);
    }
  });
});

describe('headers', () => {
  it('must name one host, and may expect only 100-continue', async (test) => {
    const { exchange } = await open(test);
    const twice = 'GET /trends HTTP/1.1\r\nHost: a.test\r\nhost: b.test\r\nConnection: close\r\n\r\n';
    assert.match(await exchange(twice), /^HTTP\/1\.1 400 .*one Host header, got 2/s);
    const none = 'GET /trends HTTP/1.1\r\nConnection: close\r\n\r\n';
    assert.match(await exchange(none), /^HTTP\/1\.1 400 .*application\/problem\+json.*one Host header, got 0/s);
    for (const host of ['a b', '<a>', 'a.test/x', 'user@a.test', 'a:b', '[::1', 'caf\u00E9.test']) {
      const odd = `GET /trends HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      assert.match(await exchange(odd), /^HTTP\/1\.1 400 .*application\/problem\+json.*Expected a host/s, host);
    }
    for (const host of ['', 'a.test:', '[::1]:8080', '127.0.0.1', 'xn--caf-dma.test:80', 'my_shop']) {
      const usual = `GET /trends HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      assert.match(await exchange(usual), /^HTTP\/1\.1 200 /, host);
    }
    const expecting = 'POST /echo HTTP/1.1\r\nHost: a.test\r\nExpect: a-miracle\r\nContent-Length: 0\r\n\r\n';
    assert.match(await exchange(expecting), /^HTTP\/1\.1 417 .*application\/problem\+json.*expectation-failed/s);
  });

  it('keep answers from being guessed or stored', async (test) => {
    const kept = { web: 'private, no-store', recommendation: 'private, no-store', trend: 'no-cache' } as const;
    for (const service of ['web', 'trend', 'recommendation'] as const) {
      const { server } = await open(test, { service });
      for (const url of ['/trends', '/nothing', '/trends/']) {
        const { headers } = await server.inject(url);
        assert.deepEqual(
          [headers['x-content-type-options'], headers['cache-control']],
          ['nosniff', kept[service]],
          url,
        );
      }
    }
  });

  it('say whether an answer is compressed: from a kilobyte on, where the client takes it', async (test) => {
    const { server } = await open(test);
    const headers = { 'accept-encoding': 'gzip' };
    const long = await server.inject({ url: '/long', headers });
    assert.deepEqual([long.headers['content-encoding'], long.headers.vary], ['gzip', 'Accept-Encoding']);
    assert.equal(gunzipSync(long.rawPayload).toString(), (await server.inject('/long')).payload);
    assert.equal((await server.inject({ url: '/trends', headers })).headers['content-encoding'], undefined);
    for (const [accepted, encoding] of [
      ['gzip, deflate, br', 'br'],
      ['br;q=0, gzip;q=0.5', 'gzip'],
      ['GZIP', 'gzip'],
      ['identity', undefined],
    ] as const) {
      const answer = await server.inject({ url: '/long', headers: { 'accept-encoding': accepted } });
      assert.equal(answer.headers['content-encoding'], encoding, accepted);
    }
  });
});

describe('text of bodies', () => {
  const post = (payload: Buffer | string, type: string) => ({
    method: 'POST' as const,
    url: '/echo',
    headers: { 'content-type': type },
    payload,
  });

  it('is UTF-8: other bytes are refused, and a byte order mark is skipped', async (test) => {
    const { server } = await open(test);
    const form = 'application/x-www-form-urlencoded';
    for (const [payload, type] of [
      [Buffer.from('{"title":"Caf\xe9"}', 'latin1'), 'application/json'],
      [Buffer.from('title=Caf\xe9', 'latin1'), form],
      ['title=Caf%E9', form],
      ['title=%', form],
    ] as const) {
      const { statusCode, headers } = await server.inject(post(payload, type));
      assert.deepEqual([statusCode, headers['content-type']], [400, problemType], type);
    }
    const marked = await server.inject(post('\uFEFF{"title":"Café"}', 'application/json; charset=UTF-8'));
    assert.deepEqual(marked.json(), { title: 'Café' });
    assert.deepEqual((await server.inject(post('title=Caf%C3%A9+noir', form))).json(), { title: 'Café noir' });
  });

  it('has no NUL and no half characters, even as escapes', async (test) => {
    const { server } = await open(test);
    for (const payload of ['{"title":"a\\ud800b"}', '{"title":["a\\u0000b"]}', '"\\udc00"']) {
      assert.equal((await server.inject(post(payload, 'application/json'))).statusCode, 400, payload);
    }
    assert.equal((await server.inject(post('{"title":"\\ud83e\\udeb2"}', 'application/json'))).statusCode, 200);
  });

  it('is not compressed', async (test) => {
    const { server } = await open(test);
    const request = post('{}', 'application/json');
    const headers = { ...request.headers, 'content-encoding': 'gzip' };
    assert.equal((await server.inject({ ...request, headers })).statusCode, 415);
  });

  it('is in no other charset', async (test) => {
    const { server } = await open(test);
    for (const charset of ['iso-8859-1', '"utf-16"', 'utf-7']) {
      const { statusCode } = await server.inject(post('{}', `application/json; charset=${charset}`));
      assert.equal(statusCode, 415, charset);
    }
  });
});

describe('damage that a request meets', () => {
  it('stays in readiness and is logged once, without a stack trace or `Retry-After`', async (test) => {
    const lines: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const { server } = await open(test, { logger });
    assert.equal((await server.inject('/health/ready')).statusCode, 200);
    for (const _ of [1, 2, 3]) {
      const { statusCode, headers } = await server.inject('/damaged');
      assert.deepEqual([statusCode, headers['retry-after']], [503, undefined]);
    }
    const ready = await server.inject('/health/ready');
    assert.deepEqual([ready.statusCode, ready.json()], [503, { status: 'unready', reasons: ['store-damaged'] }]);
    assert.match((await server.inject('/metrics')).payload, /samsa_readiness_reason\{reason="store-damaged"\} 1/);
    assert.equal(lines.length, 1);
    assert.doesNotMatch(lines[0]!, /stack/);
  });
});

type Description = {
  readonly paths: Readonly<
    Record<
      string,
      { readonly get: { readonly parameters: readonly { name: string; schema: { anyOf?: readonly unknown[] } }[] } }
    >
  >;
};
