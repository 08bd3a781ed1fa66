import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { countIn, noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import { openCountedStore } from '../../../../test/support/open-counted-store.ts';
import { SamsaError } from '../../../errors.ts';
import { createMostRead, type MostReadQuery } from './most-read.ts';
import { createPrivacyRule } from './privacy.ts';
import type { TrendStore } from '../store/trend-store.ts';
import type { CountedSearch } from '../trend-projection.ts';

const hourMs = 3_600_000;
const dayHours = 24;

/** A list of a store of its own, at noon; three readers are enough for any query. */
async function openMostRead(test: TestContext, around: (store: TrendStore) => TrendStore = (store) => store) {
  const opened = await openCountedStore(test);
  let nowMs = noonMs;
  const mostRead = createMostRead({
    store: around(opened.store),
    clock: () => nowMs,
    privacyRule: createPrivacyRule({ minimumReaders: 3, blockedWords: [] }),
  });
  return { ...opened, ...mostRead, passHours: (hours: number) => void (nowMs += hours * hourMs) };
}

/** A search for a book by a name that is a word of its title, so that it may be shown. */
const shown = (query: string, reader: string | null, hoursAgo = 0): CountedSearch =>
  searchOf(query, reader, {
    time: noonMs - hoursAgo * hourMs,
    books: [{ id: 1, title: query, author: 'Somebody' }],
    anonymous: reader === null,
  });

const readers = (names: string): readonly string[] => names.split('');
const byReaders = (query: string, names: string, hoursAgo = 0): readonly CountedSearch[] =>
  readers(names).map((name) => shown(query, name, hoursAgo));
const labels = (items: readonly MostReadQuery[]): readonly string[] => items.map(({ label }) => label);

describe('the most-read list', () => {
  it('is empty in a new shop', async (test) => {
    const { list, queriesKnown } = await openMostRead(test);
    assert.deepEqual([await list(10), queriesKnown()], [[], 0]);
  });

  it('orders by readers, then searches, then the query itself', async (test) => {
    const { list, count, queriesKnown } = await openMostRead(test);
    await count([
      ...byReaders('dune', 'a'),
      ...byReaders('emma', 'a'),
      ...byReaders('ivanhoe', 'aa'),
      ...byReaders('dracula', 'abc'),
      shown('lolita', null),
      shown('lolita', null),
    ]);
    assert.deepEqual(labels(await list(10)), ['dracula', 'lolita', 'ivanhoe', 'dune', 'emma']);
    assert.deepEqual(labels(await list(2)), ['dracula', 'lolita']);
    assert.equal(queriesKnown(), 5);
  });

  it('tells all there is to tell about a query', async (test) => {
    const { list, count } = await openMostRead(test);
    await count([...byReaders('emma', 'aab'), shown('emma', null, 3)]);
    const hourly = Array.from({ length: 24 }, () => 0);
    hourly[23] = 2;
    hourly[20] = 1;
    assert.deepEqual(await list(10), [
      {
        key: 'emma',
        label: 'emma',
        books: '[{"id":1,"title":"emma","author":"Somebody"}]',
        score: 3,
        readers: 3,
        searches: 4,
        window: '24h',
        hourly,
      },
    ]);
  });

  it('counts a reader who came back once in the last 24 hours, and once an hour in longer ones', async (test) => {
    const { list, count } = await openMostRead(test);
    await count([0, 1, 2].flatMap((ago) => byReaders('emma', 'a', ago)));
    await count(byReaders('dune', 'ab'));
    await count([30, 31, 32].flatMap((ago) => byReaders('ivanhoe', 'a', ago)));
    assert.deepEqual(
      (await list(10)).map(({ label, score, readers, window }) => [label, score, readers, window]),
      [
        ['dune', 2, 2, '24h'],
        ['emma', 1, 1, '24h'],
        ['ivanhoe', 3, 3, '7d'],
      ],
    );
  });

  it('goes on with 7 and with 30 days, each query once', async (test) => {
    const { list, count } = await openMostRead(test);
    await count([
      ...byReaders('dune', 'abcd', 29 * dayHours),
      ...byReaders('lolita', 'abc', 167),
      ...byReaders('ivanhoe', 'abcde', 168),
      ...byReaders('emma', 'ab', 24),
      ...byReaders('emma', 'a', 23),
      ...byReaders('dracula', 'abcdef', 30 * dayHours),
    ]);
    assert.deepEqual(
      (await list(10)).map(({ label, score, window }) => [label, score, window]),
      [
        ['emma', 1, '24h'],
        ['lolita', 3, '7d'],
        ['ivanhoe', 5, '30d'],
        ['dune', 4, '30d'],
      ],
    );
    assert.deepEqual(labels(await list(2)), ['emma', 'lolita']);
  });

  it('follows the clock from hour to hour', async (test) => {
    const { list, count, passHours } = await openMostRead(test);
    await count([...byReaders('emma', 'abc', 22), ...byReaders('dune', 'a', 0)]);
    const windows = async () => (await list(10)).map(({ label, window, hourly }) => [label, window, hourly[0]]);
    assert.deepEqual(await windows(), [
      ['emma', '24h', 0],
      ['dune', '24h', 0],
    ]);
    passHours(1);
    assert.deepEqual((await windows())[0], ['emma', '24h', 3]);
    passHours(1);
    assert.deepEqual(await windows(), [
      ['dune', '24h', 0],
      ['emma', '7d', 0],
    ]);
  });

  it('is current after every commit, of this process and of others', async (test) => {
    const { list, store, another } = await openMostRead(test);
    const [here, there] = await countIn(store, another());
    await here!(byReaders('emma', 'a'));
    assert.deepEqual(labels(await list(10)), ['emma']);
    await there!(byReaders('dune', 'ab'));
    assert.deepEqual(labels(await list(10)), ['dune', 'emma']);
    await here!(byReaders('emma', 'bcd'));
    assert.deepEqual(labels(await list(10)), ['emma', 'dune']);
    assert.deepEqual(
      (await list(10)).map(({ score }) => score),
      [4, 2],
    );
  });

  it('hides a private query until enough readers have searched for it', async (test) => {
    const { list, count } = await openMostRead(test);
    const somebody = (reader: string) => searchOf('jon smith', reader, { time: noonMs });
    await count([somebody('ann'), somebody('bob'), ...byReaders('emma', 'a')]);
    assert.deepEqual(labels(await list(10)), ['emma']);
    await count([somebody('bob')]);
    assert.deepEqual(labels(await list(10)), ['emma']);
    await count([somebody('cid')]);
    assert.deepEqual(labels(await list(10)), ['jon smith', 'emma']);
  });

  it('shows the latest books', async (test) => {
    const { list, count } = await openMostRead(test);
    await count([shown('emma', 'ann')]);
    await list(10);
    await count([searchOf('emma', 'ann', { time: noonMs + 1, books: [{ id: 2, title: 'Emma', author: 'Austen' }] })]);
    assert.deepEqual((await list(10))[0]?.books, '[{"id":2,"title":"Emma","author":"Austen"}]');
  });

  it('lists the spelling that misspellings were corrected to once', async (test) => {
    const { list, count } = await openMostRead(test);
    const books = [{ id: 1, title: 'Dracula', author: 'Bram Stoker' }];
    const misspelt = (query: string, reader: string) => searchOf(query, reader, { books, corrected: 'dracula' });
    await count([
      ...readers('abcdef').map((name) => misspelt('drakula', name)),
      ...readers('abc').map((name) => searchOf('Dracula', name, { books })),
      ...byReaders('emma', 'abcd'),
    ]);
    assert.deepEqual(labels(await list(10)), ['dracula', 'emma']);
  });

  it('is as long as it can be, however many misspellings stand for one query', async (test) => {
    const { list, count } = await openMostRead(test);
    const books = [{ id: 1, title: 'Dracula', author: 'Bram Stoker' }];
    const misspellings = Array.from({ length: 40 }, (_, number) => `drakula ${number}`);
    await count(
      misspellings.flatMap((query) =>
        readers('abc').map((name) => searchOf(query, name, { books, corrected: 'dracula' })),
      ),
    );
    const others = Array.from({ length: 20 }, (_, number) => `book ${String(number).padStart(2, '0')}`);
    await count(others.flatMap((query) => byReaders(query, 'a')));
    assert.deepEqual(labels(await list(10)), ['dracula', ...others.slice(0, 9)]);
  });

  it('finds the first hundred among many readers who come back', async (test) => {
    const { list, count } = await openMostRead(test);
    const searches = Array.from({ length: 6_000 }, (_, number) => {
      const query = `book ${(number * number) % 211}`;
      return shown(query, number % 7 === 0 ? null : `r${(number * 31) % 17}`, (number * 13) % 24);
    });
    await count(searches);
    const expected = [...Map.groupBy(searches, ({ queryKey }) => queryKey)]
      .map(([key, of]) => {
        const named = new Set(of.map(({ reader }) => reader).filter((reader) => reader !== null));
        return { key, score: named.size + of.filter(({ anonymous }) => anonymous).length, searches: of.length };
      })
      .toSorted(
        (one, other) => other.score - one.score || other.searches - one.searches || (one.key < other.key ? -1 : 1),
      );
    assert.ok(expected.length > 100);
    const listed = (await list(100)).map(({ key, score, searches }) => ({ key, score, searches }));
    assert.deepEqual(listed, expected.slice(0, 100));
  });

  it('shows everything again after the store was away', async (test) => {
    let away = false;
    const { list, count } = await openMostRead(test, (store) => ({
      ...store,
      describe: async (...request) => {
        if (away) throw new SamsaError('store-unavailable', 'away', { retryable: true });
        return store.describe(...request);
      },
    }));
    await count(byReaders('emma', 'abc'));
    away = true;
    await assert.rejects(list(10), { code: 'store-unavailable' });
    away = false;
    assert.deepEqual(labels(await list(10)), ['emma']);
  });

  it('counts what a fast clock stamped into the last hour', async (test) => {
    const { list, count } = await openMostRead(test);
    await count(byReaders('emma', 'ab', -1));
    const [emma] = await list(10);
    assert.deepEqual([emma?.score, emma?.hourly[23], emma?.hourly.length], [2, 2, 24]);
  });
});
