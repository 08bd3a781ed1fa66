import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { noonMs, searchOf } from '../../../test/support/count-searches.ts';
import { openCountedStore } from '../../../test/support/open-counted-store.ts';
import { openTestAccess, openTestServer } from '../../../test/support/open-test-server.ts';
import { createRecentCounts } from './answers/recent-counts.ts';
import { createTrendList } from './answers/trend-list.ts';
import { createPrivacyRule } from './answers/privacy.ts';
import { createQueryHistory } from './answers/query-history.ts';
import { trendRoutes } from './trend-routes.ts';

const asOfMs = noonMs - 1_234;
const emma = { id: 17, title: 'Emma', author: 'Jane Austen', odd: 'kept' };

/** The routes over a new store, at noon; three readers are enough for any query. */
async function openRoutes(test: TestContext, operatorToken: string | null = 's3cret') {
  const { store, count } = await openCountedStore(test);
  const server = await openTestServer({ service: 'trend' });
  test.after(() => server.close());
  const privacyRule = createPrivacyRule({ minimumReaders: 3, blockedWords: [], isPublic: () => false });
  const deps = { store, clock: () => noonMs, privacyRule };
  const live = trendRoutes(server, {
    ...deps,
    trends: createTrendList({ ...deps, nowMs: () => 0, recent: createRecentCounts(store) }),
    history: createQueryHistory(deps),
    freshness: () => ({ asOfMs }),
    access: openTestAccess({ operatorToken }),
  });
  test.after(live.close);
  const get = (url: string, authorization?: string) =>
    server.inject({ url, headers: authorization === undefined ? {} : { authorization } });
  const refusal = async (url: string) => {
    const answer = await get(url);
    return [answer.statusCode, answer.headers['content-type'], answer.json<{ code: string }>().code];
  };
  return { count, get, refusal };
}

const problemJson = 'application/problem+json';
const row = (length: number, last: number): readonly number[] =>
  Array.from({ length }, (_, place) => (place === length - 1 ? last : 0));

describe('GET /trends', () => {
  it('is an empty array in a new shop', async (test) => {
    const { get } = await openRoutes(test);
    const answer = await get('/trends');
    assert.deepEqual([answer.statusCode, answer.body], [200, '[]']);
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  });

  it('has for each query the fields of docs/contract.md, and no others', async (test) => {
    const { get, count } = await openRoutes(test);
    await count(['ann', 'bob', 'ann'].map((reader) => searchOf('"Emma" \u2028 é', reader, { books: [emma] })));
    assert.deepEqual((await get('/trends')).json(), [], 'hidden: no book has all of these words');
    await count([searchOf('Emma', 'ann', { books: [emma] }), searchOf('"Émma"', 'bob', { books: [emma] })]);
    assert.deepEqual((await get('/trends')).json(), [
      {
        query: '"Émma"',
        books: [emma],
        score: 2,
        readers: 2,
        searches: 2,
        kind: 'popular',
        window: '24h',
        before: 0,
        why: '2 readers in the last 24 hours: new, since 12:00 UTC',
        hourly: row(24, 2),
        variants: [],
        as_of: new Date(asOfMs).toISOString(),
      },
    ]);
  });

  it('has ten queries, or as many as asked for', async (test) => {
    const { get, count } = await openRoutes(test);
    const queries = Array.from({ length: 130 }, (_, number) => `book ${number}`);
    await count(
      queries.map((query) => searchOf(query, 'ann', { books: [{ id: 1, title: query, author: 'Somebody' }] })),
    );
    const lengthOf = async (url: string) => (await get(url)).json<unknown[]>().length;
    assert.deepEqual(
      await Promise.all(['/trends', '/trends?ps=1', '/trends?ps=11', '/trends?ps=100', '/trends?odd=1'].map(lengthOf)),
      [10, 1, 11, 100, 10],
    );
  });

  it('refuses a number of queries that is not a number, or out of bounds', async (test) => {
    const { refusal } = await openRoutes(test);
    for (const ps of ['0', '101', '-1', '1.5', 'ten', '1e1', '99999999999999999999', '%2010', 'NaN']) {
      assert.deepEqual(await refusal(`/trends?ps=${ps}`), [400, problemJson, 'bad-request'], ps);
    }
    assert.deepEqual(await refusal('/trends?ps=1&ps=2'), [400, problemJson, 'repeated-parameter']);
  });
});

describe('GET /trends/:query', () => {
  it('has the history fields of docs/contract.md, and no others', async (test) => {
    const { get, count } = await openRoutes(test);
    await count([searchOf('Emma', 'ann', { books: [emma] }), searchOf('emma!', 'ann', { books: [emma] })]);
    const answer = await get('/trends/%C3%A9mma');
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(answer.json(), {
      query: 'Emma',
      searches: 2,
      readers: 1,
      hourly: row(24, 1),
      daily: row(30, 1),
      as_of: new Date(asOfMs).toISOString(),
    });
  });

  it('finds queries of any characters', async (test) => {
    const { get, count } = await openRoutes(test);
    const queries = ['a/b', 'c++', '100% & more', '戦争', '?'];
    await count(queries.flatMap((query) => ['ann', 'bob', 'cid'].map((reader) => searchOf(query, reader))));
    for (const query of queries) {
      assert.equal((await get(`/trends/${encodeURIComponent(query)}`)).json<{ query: string }>().query, query);
    }
  });

  it('answers a hidden query exactly as an unknown one', async (test) => {
    const { get, count } = await openRoutes(test);
    await count([searchOf('jon smith', 'ann'), searchOf('ann@example.com', 'ann')]);
    const plain = async (query: string, authorization?: string) => {
      const { statusCode, headers, body } = await get(`/trends/${encodeURIComponent(query)}`, authorization);
      return { statusCode, headers: { ...headers, date: '' }, body };
    };
    const unknown = await plain('no such query');
    assert.deepEqual([unknown.statusCode, JSON.parse(unknown.body).code], [404, 'unknown-query']);
    for (const query of ['jon smith', 'ann@example.com']) {
      assert.deepEqual(await plain(query), unknown);
      for (const wrong of ['Bearer wrong', 'Bearer ', 's3cret', 'Basic s3cret', 'Bearer s3cret2']) {
        assert.deepEqual(await plain(query, wrong), unknown, wrong);
      }
    }
  });

  it('shows a hidden query to operators', async (test) => {
    const { get, count } = await openRoutes(test);
    await count([searchOf('jon smith', 'ann')]);
    const answer = await get('/trends/jon%20smith', 'Bearer s3cret');
    assert.deepEqual([answer.statusCode, answer.json<{ query: string }>().query], [200, 'jon smith']);
    assert.equal((await get('/trends/no%20such%20query', 'Bearer s3cret')).statusCode, 404);
  });

  it('treats nobody as an operator when there is no token', async (test) => {
    const { get, count } = await openRoutes(test, null);
    await count([searchOf('jon smith', 'ann')]);
    for (const authorization of ['Bearer null', 'Bearer ', 'Bearer undefined', 'Bearer']) {
      assert.equal((await get('/trends/jon%20smith', authorization)).statusCode, 404);
    }
  });

  it('refuses a query that is not text or is too long', async (test) => {
    const { refusal } = await openRoutes(test);
    for (const query of ['%FF', '%C3', '%', '%zz', 'a%00b', '%0Aemma', '%7F']) {
      assert.deepEqual(await refusal(`/trends/${query}`), [400, problemJson, 'malformed-query'], query);
    }
    assert.deepEqual(await refusal(`/trends/${'a'.repeat(401)}`), [400, problemJson, 'bad-request']);
    for (const query of ['a'.repeat(400), '%20', '%E2%80%8B']) {
      assert.deepEqual(await refusal(`/trends/${query}`), [404, problemJson, 'unknown-query'], query);
    }
  });
});
