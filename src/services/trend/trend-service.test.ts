import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openTestAccess } from '../../../test/support/open-test-server.ts';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { until } from '../../../test/support/until.ts';
import { listenToTrends, openTrendServer, type ShownTrends } from '../../../test/support/listen-to-trends.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { bookSearchedRecord, createBookSearchedDecoder } from '../../events/book-searched.ts';
import { createEventSource } from '../../events/envelope.ts';
import { operatorActionRecord } from '../../events/operator-action.ts';
import { openSqliteLog } from '../../log/sqlite/log.ts';
import { createTrendService } from './trend-service.ts';
import { openSqliteTrendStore } from './store/sqlite/trend-store.ts';

const logger = pino({ level: 'silent' });
const topic = 'lr-book-searches';
const operatorTopic = 'lr-operator-actions';

/** A trend service over its own log and store, and a way for readers to search. */
async function openService(test: TestContext) {
  const folder = makeTemporaryFolder();
  const log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
  for (const name of [topic, operatorTopic])
    await log.create(name, { partitions: 2, retentionMs: 0, compacted: false });
  const store = openSqliteTrendStore(join(folder, 'trend.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
  const service = createTrendService({
    log,
    decodeSearch: createBookSearchedDecoder(),
    store,
    topics: { searches: topic, operator: operatorTopic },
    projectionName: 'trend-svr',
    instance: 'live',
    clock: Date.now,
    logger,
    registry: new Registry(),
    access: openTestAccess(),
    settings: { minimumReaders: 10, blockedWords: [] },
  });
  test.after(async () => {
    await service.close();
    await store.close();
    await log.close();
  });
  const source = createEventSource('live', Date.now);
  const search = (query: string, reader: string) => {
    const value = Buffer.from(JSON.stringify([{ id: 1, title: query, author: 'Somebody' }]));
    const context = { reader, weight: 1, corrected: null, total: 1 } as const;
    return log.append([bookSearchedRecord(topic, source, { query, value, ...context })]);
  };
  const decide = (action: 'muted' | 'unmuted', query: string) =>
    log.append([operatorActionRecord(operatorTopic, source, query, { action, query })]);
  return { url: await openTrendServer(test, service.routes), search, decide, service };
}

describe('the trend service', () => {
  it('sends the list as it is, then whenever a search has changed it', async (test) => {
    const { url, search } = await openService(test);
    const early = await listenToTrends(test, url);
    assert.equal(early.response.status, 200);
    assert.equal(early.response.headers.get('content-type'), 'text/event-stream');
    assert.equal(early.response.headers.get('cache-control'), 'no-store');
    assert.deepEqual(await early.next(), []);
    await search('emma', 'ann');
    await early.nextWith({ emma: 1 });
    const late = await listenToTrends(test, url);
    await late.nextWith({ emma: 1 });
    await search('dune', 'ann');
    await search('dune', 'bob');
    await Promise.all([early, late].map((listener) => listener.nextWith({ dune: 2, emma: 1 })));
  });

  it('sends what the list itself answers', async (test) => {
    const { url, search } = await openService(test);
    await search('emma', 'ann');
    const listener = await listenToTrends(test, url);
    await listener.nextWith({ emma: 1 });
    const again = await (await listenToTrends(test, url)).next();
    const list = (await (await fetch(`${url}/trends`)).json()) as ShownTrends;
    const timeless = (items: ShownTrends) => items.map((item) => ({ ...item, as_of: '' }));
    assert.deepEqual(timeless(again!), timeless(list));
  });

  it('ends every stream when the service stops', async (test) => {
    const { url, service } = await openService(test);
    const listeners = await Promise.all([listenToTrends(test, url), listenToTrends(test, url)]);
    for (const { next } of listeners) assert.deepEqual(await next(), []);
    await service.close();
    for (const { next } of listeners) assert.equal(await next(), null);
  });

  it('takes out a query that an operator has muted, until it is unmuted', async (test) => {
    const { url, search, decide } = await openService(test);
    const shown = async () => {
      const listed = (await (await fetch(`${url}/trends`)).json()) as { query: string }[];
      return listed.map(({ query }) => query).join();
    };
    await search('emma', 'ann');
    await until('it is counted', async () => (await shown()) === 'emma');
    await decide('muted', 'Emma');
    await until('it is muted', async () => (await shown()) === '');
    assert.equal((await fetch(`${url}/trends/emma`)).status, 404);
    await decide('unmuted', 'EMMA');
    await until('it is unmuted', async () => (await shown()) === 'emma');
  });
});
