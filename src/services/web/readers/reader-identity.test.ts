import assert from 'node:assert/strict';
import Fastify, { type LightMyRequestResponse } from 'fastify';
import { describe, it } from 'node:test';
import { createReaderSigner } from '../../../http/signed-reader.ts';
import { addressPrefix } from './address-prefix.ts';
import { createReaderIdentity, type Reader } from './reader-identity.ts';

const secret = 'a secret of this test';
const dayMs = 86_400_000;

type Ask = { cookie?: string; address?: string; https?: boolean };

function createAsking(start = { now: Date.UTC(2026, 0, 2, 12) }) {
  const server = Fastify({ trustProxy: '127.0.0.1' });
  const identify = createReaderIdentity({ signer: createReaderSigner(secret), secret, clock: () => start.now });
  server.get('/', (request, reply) => {
    const reader = identify(request, reply);
    assert.deepEqual(identify(request, reply), reader);
    return reader;
  });
  return async (ask: Ask = {}): Promise<{ reader: Reader; answer: LightMyRequestResponse }> => {
    const answer = await server.inject({
      url: '/',
      headers: {
        ...(ask.cookie === undefined ? {} : { cookie: ask.cookie }),
        'x-forwarded-for': ask.address ?? '192.0.2.1',
        'x-forwarded-proto': ask.https === true ? 'https' : 'http',
      },
    });
    return { reader: answer.json<Reader>(), answer };
  };
}

describe('reader identity', () => {
  it('is the address prefix until a cookie comes back, and the id in the cookie from then on', async () => {
    const ask = createAsking();
    const first = await ask();
    const cookie = first.answer.cookies[0];
    assert.ok(cookie);
    assert.match(first.reader.id, /^a-[\w-]{22}$/);
    assert.equal(first.reader.returning, false);
    assert.equal(first.reader.cookieId, cookie.value.split('.')[0]);

    const second = await ask({ cookie: `theme=dark; uid=${cookie.value}` });
    assert.deepEqual([second.reader.id, second.reader.returning], [first.reader.cookieId, true]);
    assert.equal(second.answer.headers['set-cookie'], undefined);
  });

  it('sets a cookie no script can read and no other site can send along, for 180 days', async () => {
    const header = (await createAsking()()).answer.headers['set-cookie'];
    assert.match(String(header), /^uid=[\w-]{22}\.[\w-]{43}; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it('marks the cookie Secure when the request came by HTTPS', async () => {
    assert.match(String((await createAsking()({ https: true })).answer.headers['set-cookie']), /; Secure/);
  });

  it('stays one reader for a client that drops or forges its cookie', async () => {
    const ask = createAsking();
    const forged = `uid=${createReaderSigner('guessed').sign(createReaderSigner('guessed').mint())}`;
    const ids = [await ask(), await ask(), await ask({ cookie: forged }), await ask({ cookie: 'uid=%E0%A4%A' })];
    assert.equal(new Set(ids.map(({ reader }) => reader.id)).size, 1);
    assert.equal(new Set(ids.map(({ reader }) => reader.cookieId)).size, 4);
  });

  it('tells addresses apart, and gives one address another id the next day', async () => {
    const time = { now: Date.UTC(2026, 0, 2, 12) };
    const ask = createAsking(time);
    const today = (await ask()).reader.id;
    assert.notEqual((await ask({ address: '192.0.2.2' })).reader.id, today);
    time.now += dayMs;
    assert.notEqual((await ask()).reader.id, today);
  });
});

describe('address prefix', () => {
  it('is the whole of an IPv4 address, also where it is written as IPv6', () => {
    assert.equal(addressPrefix('192.0.2.1'), '192.0.2.1');
    assert.equal(addressPrefix('::ffff:192.0.2.1'), '192.0.2.1');
    assert.equal(addressPrefix('::ffff:c000:201'), '192.0.2.1');
  });

  it('is the first 64 bits of an IPv6 address, however it is written', () => {
    assert.equal(addressPrefix('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
    assert.equal(addressPrefix('2001:0DB8:0001:0002::1'), '2001:db8:1:2::/64');
    assert.equal(addressPrefix('fe80::1%eth0'), 'fe80:0:0:0::/64');
    assert.equal(addressPrefix('::1'), '0:0:0:0::/64');
  });

  it('keeps what is no address, cut short', () => {
    assert.equal(addressPrefix('x'.repeat(1_000)).length, 64);
  });
});
