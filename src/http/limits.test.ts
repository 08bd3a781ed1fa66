import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { openTestAccess, openTestServer } from '../../test/support/open-test-server.ts';
import { until } from '../../test/support/until.ts';
import { type AccessOptions } from './access.ts';
import { listen } from './connections.ts';

async function open(test: TestContext, options: Partial<AccessOptions>, rateLimitPerMinute: number | null = null) {
  const server = await openTestServer({ access: openTestAccess(options), rateLimitPerMinute });
  test.after(() => server.close());
  const gate = Promise.withResolvers<void>();
  const seen = { running: 0, most: 0, answered: 0 };
  server.get('/free', () => ({}));
  server.get('/slow', async () => {
    seen.most = Math.max(seen.most, ++seen.running);
    await gate.promise;
    seen.running--;
    seen.answered++;
    return {};
  });
  const statusOf = async (remoteAddress: string, headers: Record<string, string> = {}, url = '/free') =>
    (await server.inject({ url, remoteAddress, headers })).statusCode;
  const statuses = async (addresses: readonly string[], headers: Record<string, string> = {}) => {
    const counts = new Map<number, number>();
    for (const address of addresses) {
      const status = await statusOf(address, headers);
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    return Object.fromEntries(counts);
  };
  return { server, gate, seen, statusOf, statuses };
}

const times = <Item>(count: number, item: (at: number) => Item): Item[] =>
  Array.from({ length: count }, (_, at) => item(at));

describe('limits', () => {
  it('are off in open mode and on in public mode', async (test) => {
    const many = times(601, () => '127.0.0.1');
    assert.deepEqual(await (await open(test, {})).statuses(many), { 200: 601 });
    assert.deepEqual(await (await open(test, { isLocal: false })).statuses(many), { 200: 600, 429: 1 });
    assert.deepEqual(await (await open(test, { isLocal: false }, 0)).statuses(many), { 200: 601 });
  });

  it('give one client one rate, whatever port a proxy writes behind its address', async (test) => {
    const { statusOf } = await open(test, { trustProxy: ['127.0.0.1'] }, 5);
    const statuses = [];
    for (let port = 1; port <= 6; port++) {
      statuses.push(await statusOf('127.0.0.1', { 'x-forwarded-for': `203.0.113.55:5000${port}` }));
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
  });

  it('give an IPv6 /48 ten times the rate of one client', async (test) => {
    const { statuses } = await open(test, { isLocal: false }, 2);
    const networks = times(12, (at) => `2001:db8:1:${at}::1`);
    assert.deepEqual(await statuses([...networks, ...networks]), { 200: 20, 429: 4 });
    assert.deepEqual(await statuses(['2001:db8:2:1::1']), { 200: 1 });
  });

  it('do not refuse everybody behind a proxy that hides its clients', async (test) => {
    const { statuses } = await open(test, { isLocal: false }, 2);
    assert.deepEqual(
      await statuses(
        times(50, () => '10.0.0.2'),
        { 'x-forwarded-for': '192.0.2.1' },
      ),
      { 200: 50 },
    );
  });

  it('never refuse our own services and health checks', async (test) => {
    const access: Partial<AccessOptions> = { isLocal: false };
    const authorization = `Bearer ${openTestAccess(access).serviceToken}`;
    const { statuses, statusOf } = await open(test, access, 1);
    assert.deepEqual(
      await statuses(
        times(5, () => '10.0.0.2'),
        { authorization },
      ),
      { 200: 5 },
    );
    for (const _ of [1, 2, 3]) assert.equal(await statusOf('10.0.0.2', {}, '/health/live'), 200);
  });

  it('bound the requests of one client that run at the same time', async (test) => {
    const { server, gate, seen, statusOf } = await open(test, { isLocal: false });
    const { url } = await listen(server, { host: '127.0.0.1', port: 0 }, 'app');
    const answers = times(64, () => fetch(`${url}/slow`));
    await until('they all run', () => seen.running === 64);
    const refused = await fetch(`${url}/free`);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
    assert.equal(await statusOf('192.0.2.1'), 200);
    gate.resolve();
    for (const answer of answers) assert.equal((await answer).status, 200);
    assert.equal((await fetch(`${url}/free`)).status, 200);
  });

  it('run sixteen requests of one connection at a time, and answer all of them in order', async (test) => {
    const { server, gate, seen } = await open(test, {});
    const { url } = await listen(server, { host: '127.0.0.1', port: 0 }, 'app');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    test.after(() => socket.destroy());
    let received = '';
    socket.on('data', (data: Buffer) => (received += data.toString('latin1')));
    socket.write('GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(3_000));
    await until('some run', () => seen.running === 16);
    assert.equal((await fetch(`${url}/health/live`)).status, 200);
    assert.equal(seen.most, 16);
    gate.resolve();
    await until('all are answered', () => received.split('HTTP/1.1 200').length === 3_001, 30_000);
    assert.equal(seen.most, 16);
  });

  it('drop what a closed connection has sent', async (test) => {
    const { server, gate, seen } = await open(test, {});
    const { url } = await listen(server, { host: '127.0.0.1', port: 0 }, 'app');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(100));
    await until('some run', () => seen.running === 16);
    socket.destroy();
    await once(socket, 'close');
    await until('the server has noticed', async () => (await connectionsOf(server)) === 0);
    gate.resolve();
    await until('those that ran are done', () => seen.running === 0);
    assert.equal(seen.answered, 16);
  });

  it('read a body that comes after many other requests', async (test) => {
    const { server, gate, seen } = await open(test, {});
    server.post('/echo', (request) => request.body);
    const { url } = await listen(server, { host: '127.0.0.1', port: 0 }, 'app');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    test.after(() => socket.destroy());
    let received = '';
    socket.on('data', (data: Buffer) => (received += data.toString('latin1')));
    const body = JSON.stringify({ text: 'x'.repeat(200_000) });
    socket.write('GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(20));
    socket.write(
      `POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
    await until('some run', () => seen.running === 16);
    gate.resolve();
    await until('the body comes back', () => received.endsWith(body));
  });
});

async function connectionsOf({ server }: { server: import('node:http').Server }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
