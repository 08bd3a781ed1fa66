import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { listenToTrends, openTrendServer } from '../../../../test/support/listen-to-trends.ts';
import { openTestAccess } from '../../../../test/support/open-test-server.ts';
import { until } from '../../../../test/support/until.ts';
import { liveTrendsRoute } from './live-trends.ts';

type Look = { readonly items: string; readonly answer: string };

/** The route alone, over a list of the test's making. */
async function openLive(test: TestContext, list: () => Promise<Look>, access = openTestAccess()) {
  let live = { close: (): void => {} };
  let counted = (): void => {};
  const url = await openTrendServer(test, (server) => {
    live = liveTrendsRoute(server, {
      look: list,
      access,
      onCounted: (listener) => {
        counted = listener;
        return () => {};
      },
      history: async () => ({ query: 'live' }),
    });
    test.after(() => live.close());
  });
  return { url, live, count: () => counted() };
}

/** Half a second, in which a list that is looked at is looked at twice. */
async function twoLooks(): Promise<void> {
  const over = performance.now() + 500;
  await until('half a second', () => performance.now() > over);
}

/** One look after another at a list that changes every time; `looks` counts them. */
function everChanging(answer = '[]') {
  let looks = 0;
  return { looks: () => looks, list: async () => ({ items: String(++looks), answer }) };
}

describe('live trends', () => {
  it('sends nothing while nothing changes', async (test) => {
    let looks = 0;
    let items = 'a';
    const list = async () => ({ items, answer: JSON.stringify([{ look: ++looks }]) });
    const { url } = await openLive(test, list);
    const listener = await listenToTrends(test, url);
    assert.deepEqual(await listener.next(), [{ look: 1 }]);
    await until('it looked again', () => looks >= 4);
    items = 'b';
    const [change] = (await listener.next()) as unknown as { look: number }[];
    assert.ok(change!.look > 4, 'the looks that found nothing new sent nothing');
  });

  it('goes on after a look that failed', async (test) => {
    let looks = 0;
    const { url } = await openLive(test, async () => {
      looks++;
      if (looks === 2) throw new Error('away');
      return { items: String(looks), answer: `[{"look":${looks}}]` };
    });
    const listener = await listenToTrends(test, url);
    assert.deepEqual(await listener.next(), [{ look: 1 }]);
    assert.deepEqual(await listener.next(), [{ look: 3 }]);
  });

  it('sends nothing more once it has ended the streams', async (test) => {
    const { url, live } = await openLive(test, everChanging().list);
    const listeners = await Promise.all([listenToTrends(test, url), listenToTrends(test, url)]);
    for (const { next } of listeners) assert.deepEqual(await next(), []);
    live.close();
    for (const { next } of listeners) assert.equal(await next(), null);
    const { next } = await listenToTrends(test, url);
    assert.deepEqual([await next(), await next()], [[], null]);
  });

  it('sends books as they were written, line breaks included', async (test) => {
    const { url } = await openLive(test, async () => ({ items: '', answer: '[\n\n{"query":\r\n"emma"}\r]' }));
    const { next } = await listenToTrends(test, url);
    assert.deepEqual(await next(), [{ query: 'emma' }]);
  });

  it('stops looking when nobody listens any more', async (test) => {
    const { list, looks } = everChanging();
    const { url } = await openLive(test, list);
    const listener = await listenToTrends(test, url);
    await listener.next();
    await listener.next();
    listener.leave();
    await until('nobody looks', async () => {
      const before = looks();
      await twoLooks();
      return looks() === before;
    });
  });

  it('stops looking when the only listener left before the first list was made', async (test) => {
    const { list, looks } = everChanging();
    const made = Promise.withResolvers<void>();
    const { url } = await openLive(test, async () => {
      const look = await list();
      await made.promise;
      return look;
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /trends/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await until('a look', () => looks() === 1);
    socket.destroy();
    await once(socket, 'close');
    await fetch(`${url}/health/live`);
    made.resolve();
    await twoLooks();
    assert.equal(looks(), 1);
  });

  it('looks once at a time, also after listeners have come and gone', async (test) => {
    const { list } = everChanging();
    const gate = Promise.withResolvers<void>();
    test.after(() => gate.resolve());
    let isShut = false;
    let waiting = 0;
    const { url } = await openLive(test, async () => {
      if (isShut) {
        waiting++;
        await gate.promise;
      }
      return list();
    });
    for (let reload = 0; reload < 10; reload++) {
      const listener = await listenToTrends(test, url);
      await listener.next();
      listener.leave();
    }
    const { next } = await listenToTrends(test, url);
    await next();
    isShut = true;
    await until('a look', () => waiting > 0);
    await twoLooks();
    assert.equal(waiting, 1);
  });

  it('disconnects a listener that does not read what is sent', async (test) => {
    const { list } = everChanging(JSON.stringify('x'.repeat(2_000_000)));
    const { url } = await openLive(test, list);
    const stalled = connect(Number(new URL(url).port), '127.0.0.1');
    test.after(() => stalled.destroy());
    await once(stalled, 'connect');
    stalled.pause();
    stalled.write('GET /trends/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const { next } = await listenToTrends(test, url);
    for (let change = 0; change < 8; change++) await next();
    stalled.resume();
    await once(stalled, 'close', { signal: AbortSignal.timeout(10_000) });
  });

  it('answers HEAD without a stream', async (test) => {
    const { list } = everChanging();
    const { url } = await openLive(test, list);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    test.after(() => socket.destroy());
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.write(
      'HEAD /trends/live HTTP/1.1\r\nhost: localhost\r\n\r\nGET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n',
    );
    await until('the next request is answered', () => received.split('HTTP/1.1 ').length === 3, 5_000);
  });

  it('looks at once when something was counted', async (test) => {
    let items = 'a';
    const { url, count } = await openLive(test, async () => ({ items, answer: JSON.stringify([items]) }));
    const { next } = await listenToTrends(test, url);
    assert.deepEqual(await next(), ['a']);
    for (const change of ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']) {
      items = change;
      count();
      assert.deepEqual(await next(), [change]);
    }
  });

  it('answers the history of a query named live, where only JSON is accepted', async (test) => {
    const { url } = await openLive(test, everChanging().list);
    const answer = await fetch(`${url}/trends/live`, { headers: { accept: 'application/json' } });
    assert.deepEqual(await answer.json(), { query: 'live' });
  });

  it('sends at once through a proxy, and to at most ten listeners of one client in public mode', async (test) => {
    const { url } = await openLive(test, async () => ({ items: '', answer: '[]' }), openTestAccess({ isLocal: false }));
    for (let number = 0; number < 10; number++) await (await listenToTrends(test, url)).next();
    const refused = await fetch(`${url}/trends/live`);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '60']);
    const { headers } = await fetch(`${url}/trends/live`, { method: 'HEAD' });
    assert.equal(headers.get('x-accel-buffering'), 'no');
  });
});
