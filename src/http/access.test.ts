import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { openTestAccess, openTestServer } from '../../test/support/open-test-server.ts';
import type { AccessOptions } from './access.ts';

const token = 'a-token-nobody-can-guess';
const local = { host: '127.0.0.1:8080' };

/** A server that says about each request what its sender may do. */
async function open(test: TestContext, options: Partial<AccessOptions> = {}) {
  const warnings: string[] = [];
  const warn = ((_: object, message: string) => void warnings.push(message)) as AccessOptions['logger']['warn'];
  const access = openTestAccess({ logger: { warn }, ...options });
  const server = await openTestServer({ access });
  server.get('/may', (request) => ({
    change: access.isOpenTo(request) || access.hasOperatorToken(request),
    service: access.isOwnService(request),
    client: access.clientOf(request).prefix,
    shared: access.isShared(request),
  }));
  test.after(() => server.close());
  const ask = async (headers: Record<string, string> = {}, remoteAddress = '127.0.0.1') => {
    const answer = await server.inject({ url: '/may', headers: { ...local, ...headers }, remoteAddress });
    return answer.json<{ change: boolean; service: boolean; client: string; shared: boolean; code?: string }>();
  };
  const reasons = async (): Promise<readonly string[]> =>
    (await server.inject({ url: '/health/ready', headers: local })).json<{ reasons: string[] }>().reasons;
  return { access, ask, warnings, reasons };
}

describe('open mode', () => {
  it('lets programs on this machine change books, and nobody else', async (test) => {
    const { ask, access } = await open(test);
    assert.equal((await ask()).change, true);
    for (const host of ['localhost', 'LOCALHOST:8080', '[::1]:8080', '127.9.9.9']) {
      assert.equal((await ask({ host })).change, true, host);
    }
    for (const host of ['shop.example', 'localhost.example']) assert.equal((await ask({ host })).change, false, host);
    assert.equal((await ask({}, '192.0.2.1')).change, false);
    assert.equal(access.isPublic(), false);
  });

  it('is never the mode of a shop with a token, a proxy, or a service beyond loopback', async (test) => {
    for (const options of [{ operatorToken: token }, { trustProxy: ['10.0.0.1'] }, { isLocal: false }]) {
      const { ask, access, reasons } = await open(test, options);
      assert.deepEqual([access.isPublic(), (await ask()).change], [true, false]);
      assert.deepEqual((await reasons()).includes('proxied'), false);
    }
  });

  it('becomes public at the first sign of a proxy, until the process restarts, and says so once', async (test) => {
    for (const headers of [
      { 'x-forwarded-for': '192.0.2.1' },
      { 'X-Forwarded-Proto': 'https' },
      { forwarded: 'for=192.0.2.1' },
      { via: '1.1 proxy' },
      { 'x-real-ip': '192.0.2.1' },
      { 'cf-connecting-ip': '192.0.2.1' },
      { 'true-client-ip': '192.0.2.1' },
      { 'sec-fetch-site': 'same-origin', origin: 'https://shop.example' },
      { 'sec-fetch-site': 'same-origin', referer: 'http://127.0.0.1:9090/page' },
    ] as Record<string, string>[]) {
      const { ask, access, warnings, reasons } = await open(test);
      const shown = JSON.stringify(headers);
      assert.equal((await ask(headers)).change, false, shown);
      assert.equal((await ask()).change, false, shown);
      assert.deepEqual([access.isPublic(), await reasons(), warnings.length], [true, ['proxied'], 1], shown);
    }
  });

  it('stays open for browsers on this machine, and for pages of other sites', async (test) => {
    const { ask, access } = await open(test);
    const fetched = (site: string) => ({ 'sec-fetch-site': site });
    await ask({ ...fetched('same-origin'), origin: 'http://127.0.0.1:8080' });
    await ask({ ...fetched('same-origin'), referer: 'http://localhost/?q=x', host: 'localhost:80' });
    await ask({ ...fetched('cross-site'), origin: 'https://other.example' });
    await ask({ ...fetched('none') });
    assert.equal(access.isPublic(), false);
  });

  it('is shared by the threads of a process', async (test) => {
    const becamePublic = new Int32Array(new SharedArrayBuffer(4));
    const [web, trend] = [await open(test, { becamePublic }), await open(test, { becamePublic })];
    await web.ask({ via: '1.1 proxy' });
    assert.deepEqual([trend.access.isPublic(), await trend.reasons()], [true, ['proxied']]);
  });
});

describe('public mode', () => {
  it('wants the operator token', async (test) => {
    const { ask } = await open(test, { operatorToken: token });
    for (const authorization of [`Bearer ${token}`, `bearer  ${token} `]) {
      assert.equal((await ask({ authorization })).change, true, authorization);
    }
    for (const authorization of [token, `Basic ${token}`, `Bearer ${token}x`, 'Bearer ', 'Bearer null']) {
      assert.equal((await ask({ authorization })).change, false, authorization);
    }
  });

  it('refuses more than ten guesses of one client in a minute', async (test) => {
    let nowMs = 0;
    const { ask } = await open(test, { operatorToken: token, nowMs: () => nowMs });
    const guess = { authorization: 'Bearer a-wrong-token' };
    for (let attempt = 0; attempt < 10; attempt++) assert.equal((await ask(guess)).change, false);
    assert.equal((await ask({ authorization: `Bearer ${token}` })).code, 'too-many-requests');
    assert.equal((await ask({ authorization: `Bearer ${token}` }, '192.0.2.9')).change, true);
    nowMs += 60_000;
    assert.equal((await ask({ authorization: `Bearer ${token}` })).change, true);
  });

  it('knows the services of the same secret', async (test) => {
    const { ask, access } = await open(test, { isLocal: false });
    const other = openTestAccess({ secret: 'another secret' }).serviceToken;
    const asService = (serviceToken: string) => ask({ authorization: `Bearer ${serviceToken}` });
    assert.deepEqual([(await asService(access.serviceToken)).service, (await asService(other)).service], [true, false]);
    assert.equal((await asService(access.serviceToken)).change, false);
  });

  it('lets only the operator name another client', async (test) => {
    const { ask } = await open(test, { operatorToken: token });
    const named = { 'samsa-client': '198.51.100.7' };
    assert.equal((await ask(named)).client, '127.0.0.1');
    assert.equal((await ask({ ...named, authorization: `Bearer ${token}` })).client, '198.51.100.7');
  });

  it('says which proxy hides its clients, and for how long that was so', async (test) => {
    let nowMs = 0;
    const { ask, warnings, reasons, access } = await open(test, { trustProxy: ['10.0.0.1'], nowMs: () => nowMs });
    assert.equal((await ask({ 'x-forwarded-for': '192.0.2.1' }, '10.0.0.1')).shared, false);
    assert.equal((await ask({}, '192.0.2.5')).shared, false);
    assert.equal((await ask({ authorization: `Bearer ${access.serviceToken}` }, '10.0.0.1')).shared, false);
    assert.deepEqual(await reasons(), []);
    assert.equal((await ask({ 'x-forwarded-for': '192.0.2.1' }, '10.0.0.2')).shared, true);
    assert.equal((await ask({}, '10.0.0.1')).shared, true);
    assert.deepEqual(await reasons(), ['proxy-not-trusted', 'proxy-without-address']);
    assert.match(warnings.join('\n'), /set app\.trust_proxy: 10\.0\.0\.1,10\.0\.0\.2\n.*X-Forwarded-For/);
    await ask({}, '10.0.0.1');
    assert.equal(warnings.length, 2);
    nowMs += 600_000;
    assert.deepEqual(await reasons(), []);
  });
});
