import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Type } from '@sinclair/typebox';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { openTestAccess, openTestServer } from '../../test/support/open-test-server.ts';
import { SamsaError } from '../errors.ts';
import type { HttpServer } from './route-schemas.ts';
import { listen } from './connections.ts';
import type { HttpServerOptions } from './server.ts';

type Opened = { readonly server: HttpServer; readonly logged: () => readonly Record<string, unknown>[] };

/** A server with one route of each kind, and what it has logged. */
async function open(test: TestContext, overrides: Partial<HttpServerOptions> = {}): Promise<Opened> {
  const lines: string[] = [];
  const server = await openTestServer({
    version: '1.2.3',
    logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    ...overrides,
  });
  test.after(() => server.close());
  addRoutes(server);
  return { server, logged: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const Shelf = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 20 }), books: Type.Optional(Type.Integer()) },
  { additionalProperties: false },
);
const Page = Type.Object({
  q: Type.Optional(Type.String({ maxLength: 10 })),
  n: Type.Integer({ minimum: 1, maximum: 100, default: 7 }),
  kind: Type.Optional(Type.Union([Type.Literal('rising'), Type.Literal('popular')])),
  all: Type.Optional(Type.Boolean()),
});

function addRoutes(server: HttpServer): void {
  server.get('/echo', { schema: { querystring: Page } }, async (request) => request.query);
  server.get('/free', async (request) => request.query as object);
  server.get('/words/:word', async (request) => request.params as object);
  server.get(
    '/books/:id',
    { schema: { params: Type.Object({ id: Type.Integer({ minimum: 1 }) }) } },
    async (request) => ({
      id: request.params.id,
    }),
  );
  server.post('/shelves', { schema: { body: Shelf } }, async (request, reply) => reply.code(201).send(request.body));
  server.get('/away', async () => {
    throw new SamsaError('store-unavailable', '/secret/place/trend.sqlite: the disk is full', { retryable: true });
  });
  server.get('/broken', async () => {
    throw new Error('password hunter2 at /secret/place');
  });
  server.get('/odd', async () => {
    throw null;
  });
}

type Refusal = { readonly status: number; readonly type: string; readonly code: string; readonly detail: string };

async function refusal(server: HttpServer, request: InjectOptions | string): Promise<Refusal> {
  const response = await server.inject(request);
  const body = response.json<{ status: number; code: string; detail: string; title: string; type: string }>();
  assert.equal(body.status, response.statusCode);
  assert.ok(body.title.length > 0);
  return {
    status: response.statusCode,
    type: String(response.headers['content-type']),
    code: body.code,
    detail: body.detail,
  };
}

describe('addresses and query strings', () => {
  it('are refused when they are not text, or contain control characters', async (test) => {
    const { server } = await open(test);
    const malformed: Readonly<Record<string, string>> = {
      'a lone continuation byte': '/free?q=%80',
      'a cut sequence': '/free?q=caf%C3',
      'an overlong form': '/free?q=%C0%AF',
      'a surrogate': '/free?q=%ED%A0%80',
      'a percent sign without digits': '/free?q=100%',
      'a percent sign before other letters': '/free?q=%zz',
      NUL: '/free?q=a%00b',
      'a line break': '/free?q=a%0Ab',
      'a tab': '/free?q=%09',
      delete: '/free?q=%7F',
      'a control character beyond ASCII': '/free?q=%C2%85',
      'a broken parameter name': '/free?%FF=1',
      'a broken path': '/words/%FF',
      'a control character in the path': '/words/%00',
    };
    for (const [what, url] of Object.entries(malformed)) {
      const { status, type, code } = await refusal(server, url);
      assert.deepEqual([status, type, code], [400, 'application/problem+json', 'malformed-query'], what);
    }
  });

  it('hands on text of any script, plus signs as spaces', async (test) => {
    const { server } = await open(test);
    const q = 'Кафка, 変身 & "50%" 🪲';
    assert.deepEqual((await server.inject(`/free?q=${encodeURIComponent(q)}`)).json(), { q });
    assert.deepEqual((await server.inject('/free?q=war+and%2Bpeace')).json(), { q: 'war and+peace' });
    assert.deepEqual((await server.inject('/words/caf%C3%A9')).json(), { word: 'café' });
  });

  it('refuses a parameter given twice by its name', async (test) => {
    const { server } = await open(test);
    for (const url of ['/free?q=a&q=b', '/echo?q=a&x=1&q=b', '/echo?n=1&n=2', '/nowhere?q=1&q=2']) {
      const { status, code, detail } = await refusal(server, url);
      assert.deepEqual([status, code], [400, 'repeated-parameter']);
      assert.match(detail, url.includes('n=') ? /^n: / : /^q: /);
    }
  });

  it('converts only what the route wants as numbers', async (test) => {
    const { server } = await open(test);
    assert.deepEqual((await server.inject('/echo?q=12&n=12')).json(), { q: '12', n: 12 });
    for (const url of ['/echo', '/echo?n=']) assert.deepEqual((await server.inject(url)).json(), { n: 7 });
    assert.deepEqual((await server.inject('/books/17')).json(), { id: 17 });
    assert.deepEqual((await server.inject('/free?n=12')).json(), { n: '12' });
    assert.equal((await server.inject('/echo?all=true')).statusCode, 400);
  });

  it('names the parameter that is wrong, and says what came', async (test) => {
    const { server } = await open(test);
    const expected: Readonly<Record<string, RegExp>> = {
      '/echo?n=0': /query string: n: must be >= 1, got 0\.$/,
      '/echo?n=101': /n: must be <= 100, got 101/,
      '/echo?n=5.5': /n: must be integer, got 5\.5/,
      '/echo?n=0x10': /n: must be integer, got "0x10"/,
      '/echo?n=1e3': /n: must be integer, got "1e3"/,
      '/echo?n=99999999999999999999': /n: must be integer, got "9+"/,
      '/echo?n=%205': /n: must be integer/,
      '/echo?q=01234567890': /q: must NOT have more than 10 characters, got "01234567890"/,
      '/echo?kind=best': /kind: must be one of rising, popular, got "best"/,
      '/books/0': /address: id: must be >= 1/,
      '/books/xvii': /id: must be integer, got "xvii"/,
    };
    for (const [url, pattern] of Object.entries(expected)) {
      const { status, code, detail } = await refusal(server, url);
      assert.deepEqual([status, code], [400, 'bad-request'], url);
      assert.match(detail, pattern);
    }
  });

  it('leaves a very long parameter to its route', async (test) => {
    const { server } = await open(test);
    const word = 'x'.repeat(4_000);
    assert.deepEqual((await server.inject(`/words/${word}`)).json(), { word });
  });
});

describe('bodies', () => {
  const post = (payload: string, type = 'application/json') =>
    ({ method: 'POST', url: '/shelves', payload, headers: { 'content-type': type } }) as const;

  it('takes JSON and forms', async (test) => {
    const { server } = await open(test);
    assert.deepEqual((await server.inject(post('{"name": "poetry", "books": 3}'))).json(), {
      name: 'poetry',
      books: 3,
    });
    const form = await server.inject(post('name=old+maps', 'application/x-www-form-urlencoded'));
    assert.deepEqual([form.statusCode, form.json()], [201, { name: 'old maps' }]);
  });

  it('refuses an unknown field by its name', async (test) => {
    const { server } = await open(test);
    const { status, code, detail } = await refusal(server, post('{"name": "poetry", "colour": "red"}'));
    assert.deepEqual([status, code], [400, 'bad-request']);
    assert.match(detail, /colour: this field is not known here/);
  });

  it('coerces nothing', async (test) => {
    const { server } = await open(test);
    assert.match(
      (await refusal(server, post('{"name": "a", "books": "3"}'))).detail,
      /books: must be integer, got "3"/,
    );
    assert.match((await refusal(server, post('{"name": 5}'))).detail, /name: must be string, got 5/);
    assert.match((await refusal(server, post('{"name": ["a"]}'))).detail, /name: must be string, got a list of 1/);
    assert.match((await refusal(server, post('{"name": null}'))).detail, /name: must be string, got null/);
  });

  it('says everything that is wrong at once', async (test) => {
    const { server } = await open(test);
    const { detail } = await refusal(server, post('{"books": true, "colour": "red"}'));
    assert.match(detail, /name: expected a value, got none/);
    assert.match(detail, /books: must be integer, got true/);
    assert.match(detail, /colour/);
  });

  it('stays short whatever came', async (test) => {
    const { server } = await open(test);
    const fields = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`${'x'.repeat(200)}${index}`, 1]));
    const { detail } = await refusal(server, post(JSON.stringify(fields)));
    assert.ok(detail.length < 1_000, detail);
  });

  it('refuses bodies that are not JSON, empty ones, and __proto__', async (test) => {
    const { server } = await open(test);
    for (const body of ['{"name": ', '', 'null', '[]', '{"name": "a", "__proto__": {"x": 1}}']) {
      const { status, code } = await refusal(server, post(body));
      assert.deepEqual([status, code], [400, 'bad-request'], body);
    }
  });

  it('refuses other content types, and bodies without one', async (test) => {
    const { server } = await open(test);
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/jsonp']) {
      const { status, code, detail } = await refusal(server, post('{"name": "a"}', type));
      assert.deepEqual([status, code], [415, 'unsupported-content-type'], type);
      assert.match(detail, /^Expected content-type application\/json/);
    }
    const { status, detail } = await refusal(server, { method: 'POST', url: '/shelves', payload: 'x' });
    assert.equal(status, 415);
    assert.match(detail, /^Expected content-type application\/json .* names\.$/);
  });

  it('refuses more than 256 KiB', async (test) => {
    const { server } = await open(test);
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      const { status, code } = await refusal(server, post('x'.repeat(256 * 1024 + 1), type));
      assert.deepEqual([status, code], [413, 'body-too-large'], type);
    }
  });
});

describe('failures', () => {
  it('says what is not there', async (test) => {
    const { server } = await open(test);
    const { status, type, code, detail } = await refusal(server, { method: 'DELETE', url: '/nowhere?q=1' });
    assert.deepEqual([status, type, code], [404, 'application/problem+json', 'not-found']);
    assert.equal(detail, 'There is nothing at DELETE /nowhere.');
  });

  it('answers an internal error without details, and logs it once', async (test) => {
    const { server, logged } = await open(test);
    const response = await server.inject('/broken');
    assert.equal(response.statusCode, 500);
    assert.equal(response.json<{ code: string }>().code, 'internal-error');
    assert.doesNotMatch(response.body, /hunter2|secret|stack/);
    assert.equal(logged().length, 1);
    assert.match(JSON.stringify(logged()), /hunter2.*"route":"\/broken"/);
  });

  it('answers even when something other than an error is thrown', async (test) => {
    const { server } = await open(test);
    assert.equal((await refusal(server, '/odd')).code, 'internal-error');
  });

  it('asks to come back when a store is away, without naming it', async (test) => {
    const { server, logged } = await open(test);
    const response = await server.inject('/away');
    assert.deepEqual([response.statusCode, response.headers['retry-after']], [503, '1']);
    assert.equal(response.json<{ code: string }>().code, 'store-unavailable');
    assert.doesNotMatch(response.body, /sqlite|secret/);
    assert.match(JSON.stringify(logged()), /trend.sqlite: the disk is full/);
    assert.doesNotMatch(JSON.stringify(logged()), /stack|server\.test/);
  });

  it('logs no requests, whether clients do something wrong or not', async (test) => {
    const { server, logged } = await open(test);
    for (const url of ['/echo', '/echo?n=0', '/nowhere', '/free?q=%80']) await server.inject(url);
    assert.deepEqual(logged(), []);
  });

  it('lets a page show the problem instead', async (test) => {
    const { server } = await open(test, {
      showProblem: ({ status, detail }, request, reply) => {
        if (request.headers.accept !== 'text/html') return false;
        void reply.type('text/html').send(`<h1>${status}</h1>${detail}`);
        return true;
      },
    });
    for (const url of ['/nowhere', '/free?q=%80', '/words/%FF', '/broken']) {
      const page = await server.inject({ url, headers: { accept: 'text/html' } });
      assert.match(page.body, new RegExp(`^<h1>${page.statusCode}</h1>`), url);
    }
    assert.equal((await refusal(server, '/nowhere')).code, 'not-found');
  });
});

describe('what every service has', () => {
  it('describes its routes', async (test) => {
    const { server } = await open(test);
    const { openapi, info, paths } = (await server.inject('/openapi.json')).json<{
      openapi: string;
      info: object;
      paths: Record<string, unknown>;
    }>();
    assert.deepEqual([openapi, info], ['3.1.0', { title: 'Samsa web', version: '1.2.3' }]);
    assert.ok('/echo' in paths && '/shelves' in paths && '/metrics' in paths);
  });

  it('counts answers by route and status, never by address', async (test) => {
    const { server } = await open(test);
    for (const url of ['/books/1', '/books/2', '/books/x', '/nowhere/1']) await server.inject(url);
    const { body } = await server.inject('/metrics');
    assert.match(body, /samsa_http_answer_seconds_count\{route="\/books\/:id",status="200"\} 2/);
    assert.match(body, /samsa_http_answer_seconds_count\{route="\/books\/:id",status="400"\} 1/);
    assert.doesNotMatch(body, /nowhere/);
  });

  it('limits requests per client and says when to come back', async (test) => {
    const { server } = await open(test, { rateLimitPerMinute: 2 });
    const get = (url: string, remoteAddress: string) => server.inject({ url, remoteAddress });
    assert.equal((await get('/free', '2001:db8::1')).statusCode, 200);
    assert.equal((await get('/nowhere', '2001:db8::2')).statusCode, 404);
    const third = await get('/free', '2001:db8:0:0:1::3');
    assert.deepEqual([third.statusCode, third.json<{ code: string }>().code], [429, 'too-many-requests']);
    const seconds = Number(third.headers['retry-after']);
    assert.ok(seconds > 0 && seconds <= 60);
    assert.equal((await get('/health/live', '2001:db8::4')).statusCode, 200);
    assert.equal((await get('/free', '2001:db8:0:1::1')).statusCode, 200);
  });

  it('believes forwarding headers of named proxies only', async (test) => {
    const trusting = await open(test, { rateLimitPerMinute: 1, access: openTestAccess({ trustProxy: ['10.0.0.1'] }) });
    const from = (remoteAddress: string, client: string) =>
      trusting.server.inject({ url: '/free', remoteAddress, headers: { 'x-forwarded-for': client } });
    assert.equal((await from('10.0.0.1', '198.51.100.1')).statusCode, 200);
    assert.equal((await from('10.0.0.1', '198.51.100.2')).statusCode, 200);
    assert.equal((await from('10.0.0.1', '198.51.100.1')).statusCode, 429);
    assert.equal((await from('10.0.0.2', '198.51.100.3')).statusCode, 200);
    assert.equal((await from('10.0.0.3', '198.51.100.3')).statusCode, 200);
  });
});

/** Sends bytes as they are and resolves with all that came back until the server hung up. */
async function exchange(port: number, bytes: Buffer | string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return receive(socket);
}

async function receive(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.on('error', () => {});
  await once(socket, 'close');
  return Buffer.concat(parts).toString();
}

const anyPort = { host: '127.0.0.1', port: 0 };
const portOf = (server: HttpServer): number => (server.server.address() as AddressInfo).port;
const ask = (target: string): Buffer =>
  Buffer.from(`GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`, 'latin1');

describe('on the wire', () => {
  it('refuses raw bytes that belong percent-encoded', async (test) => {
    const { server } = await open(test);
    await listen(server, anyPort, 'app');
    for (const raw of [
      '/free?q=caf\xc3\xa9',
      '/free?q=\xe9',
      '/words/\xe9',
      '/free?q=\0',
      '/free?q=\t',
      '/free?q=\x7f',
    ]) {
      const answer = await exchange(portOf(server), ask(raw));
      assert.match(
        answer,
        /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"code":"malformed-query"/,
        JSON.stringify(raw),
      );
    }
  });

  it('answers what is not HTTP, and too large headers, with a problem', async (test) => {
    const { server } = await open(test);
    await listen(server, anyPort, 'app');
    assert.match(await exchange(portOf(server), 'hello?\r\n\r\n'), /^HTTP\/1\.1 400 [^]*"code":"bad-request"/);
    const long = `GET /free HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`;
    assert.match(await exchange(portOf(server), long), /^HTTP\/1\.1 431 [^]*"code":"headers-too-large"/);
    assert.match(await exchange(portOf(server), ask('/free?q=still+here')), /still here/);
  });

  it('says where it listens, and refuses a taken port by name', async (test) => {
    const { server } = await open(test);
    const { url } = await listen(server, anyPort, 'app');
    assert.equal(url, `http://127.0.0.1:${portOf(server)}`);
    const { server: second } = await open(test);
    await assert.rejects(listen(second, { ...anyPort, port: portOf(server) }, 'trend'), {
      code: 'port-in-use',
      message: new RegExp(`port ${portOf(server)} on 127\\.0\\.0\\.1 .* trend\\.port or SAMSA_TREND_PORT `),
    });
  });

  it('refuses an address this machine does not have', async (test) => {
    const { server } = await open(test);
    await assert.rejects(listen(server, { ...anyPort, host: '192.0.2.1' }, 'app'), {
      code: 'bad-configuration',
      message: /192\.0\.2\.1.*app\.host/,
    });
  });
});

describe('closing', () => {
  it('ends idle connections, finishes running requests, and refuses new ones', async (test) => {
    const { server } = await open(test);
    const { promise: finish, resolve: release } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    server.get('/slow', async () => {
      begin();
      await finish;
      return { done: true };
    });
    await listen(server, anyPort, 'app');
    const idle = connect(portOf(server), '127.0.0.1');
    const busy = connect(portOf(server), '127.0.0.1');
    const received = [receive(idle), receive(busy)];
    idle.write('GET /free HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(idle, 'data');
    busy.write('GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\nGET /free HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await begun;
    const closed = server.close();
    await received[0];
    release();
    await closed;
    const answers = await received[1]!;
    assert.match(answers, /^HTTP\/1\.1 200 OK[^]*\{"done":true\}/);
  });
});
