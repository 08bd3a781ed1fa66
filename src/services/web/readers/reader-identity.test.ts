import assert from 'node:assert/strict';
import Fastify, { type LightMyRequestResponse } from 'fastify';
import { describe, it } from 'node:test';
import { createReaderSigner } from '../../../http/signed-reader.ts';
import { openTestAccess } from '../../../../test/support/open-test-server.ts';
import { dayMs } from '../../../runtime/time.ts';
import { createReaderIdentity, type Reader } from './reader-identity.ts';

const secret = 'a secret of this test';

type Ask = { cookie?: string; address?: string; https?: boolean | 'HTTPS' };

function createAsking(start = { now: Date.UTC(2026, 0, 2, 12) }, mostNewReaders = () => 0) {
  const server = Fastify({ trustProxy: '127.0.0.1' });
  const access = openTestAccess({ trustProxy: ['127.0.0.1'] });
  const signer = createReaderSigner(secret, () => start.now);
  const identify = createReaderIdentity({ signer, secret, clock: () => start.now, access, mostNewReaders });
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
        'x-forwarded-proto': ask.https === true ? 'https' : ask.https || 'http',
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
    assert.match(String(header), /^uid=[\w-]{22}\.[\w-]{47}; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it('is bound to this host over HTTPS, and takes over the cookie of the same reader over HTTP', async () => {
    const ask = createAsking();
    const plain = `uid=${(await ask()).answer.cookies[0]!.value}`;
    const adopted = await ask({ https: true, cookie: plain });
    const header = String(adopted.answer.headers['set-cookie']);
    assert.match(
      header,
      /^__Host-uid=[\w-]{22}\.[\w-]{47}; Max-Age=15552000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    assert.deepEqual([adopted.reader.returning, header.slice(11, 33)], [true, plain.slice(4, 26)]);
    const secure = header.split(';')[0]!;
    const next = await ask({ https: true, cookie: `${plain}; ${secure}` });
    assert.deepEqual([next.reader.id, next.answer.headers['set-cookie']], [adopted.reader.id, undefined]);
    assert.equal((await ask({ cookie: secure })).reader.returning, false);
    const shouted = await ask({ https: 'HTTPS', cookie: secure });
    assert.deepEqual([shouted.reader.id, shouted.answer.headers['set-cookie']], [adopted.reader.id, undefined]);
  });

  it('knows the reader by the cookie whose signature is valid, among several of one name', async () => {
    const ask = createAsking();
    const mine = `uid=${(await ask()).answer.cookies[0]!.value}`;
    for (const cookie of [
      `uid=GA1.2.345; ${mine}`,
      `${mine}; uid=GA1.2.345`,
      `uid=; a=b;${mine};uid`,
      ` uid = x; ${mine} `,
    ]) {
      const { reader, answer } = await ask({ cookie });
      assert.deepEqual([reader.id, answer.headers['set-cookie']], [mine.slice(4, 26), undefined], cookie);
    }
  });

  it('renews a cookie of 30 days under the same id', async () => {
    const time = { now: Date.UTC(2026, 0, 2, 12) };
    const ask = createAsking(time);
    const mine = `uid=${(await ask()).answer.cookies[0]!.value}`;
    time.now += 31 * dayMs;
    const { reader, answer } = await ask({ cookie: mine });
    assert.deepEqual([reader.returning, answer.cookies[0]!.value.slice(0, 22)], [true, mine.slice(4, 26)]);
    assert.notEqual(answer.cookies[0]!.value, mine.slice(4));
    time.now += 150 * dayMs;
    assert.equal((await ask({ cookie: mine })).reader.returning, false);
  });

  it('tells the place of a public request, the same for a whole IPv6 /48 and on every day', async () => {
    const time = { now: Date.UTC(2026, 0, 2, 12) };
    const ask = createAsking(time, () => 20);
    const placeOf = async (address: string) => (await ask({ address })).reader.place;
    const place = await placeOf('2001:db8:1:1::1');
    assert.ok(place !== null && place >= 0 && place < 30);
    time.now += 40 * dayMs;
    assert.equal(await placeOf('2001:db8:1:ffff::9'), place);
    const others = await Promise.all(Array.from({ length: 200 }, (_, at) => placeOf(`192.0.2.${at}`)));
    assert.ok(new Set(others).size > 20);
    assert.equal((await createAsking()()).reader.place, null);
  });

  it('stays one reader for a client that drops or forges its cookie', async () => {
    const ask = createAsking();
    const forged = `uid=${createReaderSigner('guessed', Date.now).sign(createReaderSigner('guessed', Date.now).mint())}`;
    const ids = [await ask(), await ask(), await ask({ cookie: forged }), await ask({ cookie: 'uid=%E0%A4%A' })];
    assert.equal(new Set(ids.map(({ reader }) => reader.id)).size, 1);
    assert.equal(new Set(ids.map(({ reader }) => reader.cookieId)).size, 4);
  });

  it('is one reader for all without a cookie in an IPv6 /48', async () => {
    const ask = createAsking();
    const idAt = async (address: string) => (await ask({ address })).reader.id;
    const id = await idAt('2001:db8:1:1::1');
    assert.equal(await idAt('2001:db8:1:ffff::9'), id);
    assert.notEqual(await idAt('2001:db8:2:1::1'), id);
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
