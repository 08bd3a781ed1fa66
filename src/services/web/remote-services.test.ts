import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createRemoteServices, type RemoteServices } from './remote-services.ts';

const trend = { query: 'dune', kind: 'rising', readers: 7, searches: 9, score: 4.2, hourly: [0, 2, 5], books: [] };
const recommendation = {
  user_id: 'r1',
  book_id: 17,
  title: 'Emma',
  author: 'Jane Austen',
  score: 1,
  reasons: [{ kind: 'opened', text: 'because you opened Persuasion' }],
  tier: 'searched',
};

/** The two services as one listener would play them; closed with the test. */
async function createRemote(test: TestContext, listener: RequestListener): Promise<RemoteServices> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ignored?too`;
  const remote = createRemoteServices({
    trendUrl: url,
    recommendationUrl: url,
    signReader: (id) => `${id}.signed`,
    serviceToken: 'a token of services',
  });
  test.after(() => {
    remote.close();
    server.closeAllConnections();
    server.close();
  });
  return remote;
}

function answering(body: string, status = 200): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };
}

describe('remote services', () => {
  it("reads trends and a reader's recommendations", async (test) => {
    const asked: string[] = [];
    const remote = await createRemote(test, (request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`);
      response.end(JSON.stringify(request.url?.startsWith('/trends') === true ? [trend] : [recommendation]));
    });
    assert.deepEqual(await remote.trends(10), { ok: true, items: [trend] });
    assert.deepEqual(await remote.recommendations('r1'), { ok: true, items: [recommendation] });
    assert.deepEqual(asked, [
      '/trends?ps=10 Bearer a token of services',
      '/recommendations?uid=r1.signed Bearer a token of services',
    ]);
  });

  it("reads the tutorial's services, which say less", async (test) => {
    const book = { id: 3, title: 'The Trial', author: 'Franz Kafka' };
    const trends = [{ query: 'kafka', books: [book], created_at: '2024-01-01T00:00:00Z' }];
    const interests = [{ user_id: 'r1', title: 'The Trial', author: 'Franz Kafka', score: 2 }];
    const remote = await createRemote(test, (request, response) => {
      response.end(JSON.stringify(request.url?.startsWith('/trends') === true ? trends : interests));
    });
    assert.deepEqual(await remote.trends(10), { ok: true, items: trends });
    assert.deepEqual(await remote.recommendations('r1'), { ok: true, items: interests });
    assert.deepEqual(await (await createRemote(test, answering('null'))).trends(10), { ok: true, items: [] });
  });

  it('is away when nobody listens', async () => {
    const nobody = createRemoteServices({
      trendUrl: 'http://127.0.0.1:1',
      recommendationUrl: 'http://127.0.0.1:1',
      signReader: (id) => id,
      serviceToken: '',
    });
    assert.deepEqual(await nobody.trends(10), { ok: false, reason: 'away' });
    nobody.close();
  });

  it('is away after a 5xx answer, and broken after a 4xx answer', async (test) => {
    assert.deepEqual(await (await createRemote(test, answering('{}', 503))).trends(10), { ok: false, reason: 'away' });
    assert.deepEqual(await (await createRemote(test, answering('{}', 400))).trends(10), {
      ok: false,
      reason: 'broken',
    });
  });

  it('is slow when no answer comes, or the rest of one never does', async (test) => {
    const silent = await createRemote(test, () => {});
    assert.deepEqual(await silent.trends(10), { ok: false, reason: 'slow' });
    const halting = await createRemote(test, (_request, response) => void response.writeHead(200).write('[{"query":'));
    assert.deepEqual(await halting.recommendations('r1'), { ok: false, reason: 'slow' });
  });

  it('is away when the connection is cut in the middle of an answer', async (test) => {
    const remote = await createRemote(test, (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('[', () => response.destroy());
    });
    assert.deepEqual(await remote.trends(10), { ok: false, reason: 'away' });
  });

  it('is broken when the answer is not JSON, not what was agreed, or too long', async (test) => {
    const broken = { ok: false, reason: 'broken' };
    for (const body of [
      '<html>',
      '{"query":"dune"}',
      JSON.stringify([{ ...trend, kind: 'odd' }]),
      `[${' '.repeat(1 << 20)}]`,
    ]) {
      assert.deepEqual(await (await createRemote(test, answering(body))).trends(10), broken, body.slice(0, 40));
    }
  });
});
