import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countIn, noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import { bookOf, busyWeek, openTrends, shown, week } from '../../../../test/support/open-trends.ts';
import { SamsaError } from '../../../errors.ts';
import { countingKey } from '../../../text/words.ts';
import { hourMs } from '../../../runtime/time.ts';
import type { ListedTrend } from './trend-list.ts';
import type { TrendStore } from '../store/trend-store.ts';
import type { Window } from '../hours.ts';
import type { CountedSearch, Decision } from '../trend-projection.ts';

const dayHours = 24;

const readers = (names: string): readonly string[] => names.split('');
const byReaders = (query: string, names: string, hoursAgo = 0): readonly CountedSearch[] =>
  readers(names).map((name) => shown(query, name, hoursAgo));
const labels = (items: readonly ListedTrend[]): readonly string[] => items.map(({ query }) => query);

const decide = (queryKey: string, about: Decision['about'], holds: boolean, time: number): Decision => ({
  kind: 'decision',
  queryKey,
  about,
  holds,
  time,
  tieBreak: '',
});

describe('the list of trends', () => {
  it('orders by readers, then searches, then the query itself', async (test) => {
    const { list, count } = await openTrends(test);
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
  });

  it('has every figure of a query', async (test) => {
    const { list, count } = await openTrends(test);
    await count([...byReaders('emma', 'aab'), shown('emma', null, 3)]);
    const hourly = Array.from({ length: 24 }, () => 0);
    hourly[23] = 2;
    hourly[20] = 1;
    assert.deepEqual(await list(10), [
      {
        query: 'emma',
        books: `[{"id":${bookOf('emma')},"title":"emma","author":"Somebody"}]`,
        score: 3,
        readers: 3,
        searches: 4,
        kind: 'popular',
        window: '24h',
        before: 0,
        why: '3 readers in the last 24 hours: new, since 09:00 UTC',
        hourly,
        variants: [],
      },
    ]);
  });

  it('counts a reader who came back once in the last 24 hours, and once an hour in longer ones', async (test) => {
    const { list, count } = await openTrends(test);
    await count([0, 1, 2].flatMap((ago) => byReaders('emma', 'a', ago)));
    await count(byReaders('dune', 'ab'));
    await count([30, 31, 32].flatMap((ago) => byReaders('ivanhoe', 'a', ago)));
    assert.deepEqual(
      (await list(10)).map(({ query, score, readers, window }) => [query, score, readers, window]),
      [
        ['dune', 2, 2, '24h'],
        ['emma', 1, 1, '24h'],
        ['ivanhoe', 3, 3, '7d'],
      ],
    );
  });

  it('goes on with 7 and with 30 days, each query once', async (test) => {
    const { list, count } = await openTrends(test);
    await count([
      ...byReaders('dune', 'abcd', 29 * dayHours),
      ...byReaders('lolita', 'abc', 167),
      ...byReaders('ivanhoe', 'abcde', 168),
      ...byReaders('emma', 'ab', 24),
      ...byReaders('emma', 'a', 23),
      ...byReaders('dracula', 'abcdef', 30 * dayHours),
    ]);
    assert.deepEqual(
      (await list(10)).map(({ query, score, window }) => [query, score, window]),
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
    const { list, count, passHours } = await openTrends(test);
    await count([...byReaders('emma', 'abc', 22), ...byReaders('dune', 'a', 0)]);
    const windows = async () => (await list(10)).map(({ query, window, hourly }) => [query, window, hourly[0]]);
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
    const { list, store, another } = await openTrends(test);
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
    const { list, count } = await openTrends(test);
    const somebody = (reader: string) =>
      searchOf('jon smith', reader, { time: noonMs, place: reader.charCodeAt(0) % 30 });
    await count([somebody('ann'), somebody('bob'), ...byReaders('emma', 'a')]);
    assert.deepEqual(labels(await list(10)), ['emma']);
    await count([somebody('bob')]);
    assert.deepEqual(labels(await list(10)), ['emma']);
    await count([somebody('cid')]);
    assert.deepEqual(labels(await list(10)), ['jon smith', 'emma']);
  });

  it('shows the latest books', async (test) => {
    const { list, count } = await openTrends(test);
    await count([shown('emma', 'ann')]);
    await list(10);
    await count([searchOf('emma', 'ann', { time: noonMs + 1, books: [{ id: 2, title: 'Emma', author: 'Austen' }] })]);
    assert.deepEqual((await list(10))[0]?.books, '[{"id":2,"title":"Emma","author":"Austen"}]');
  });

  it('lists the spelling that misspellings were corrected to once', async (test) => {
    const { list, count } = await openTrends(test);
    const books = [{ id: 1, title: 'Dracula', author: 'Bram Stoker' }];
    const misspelt = (query: string, reader: string) => searchOf(query, reader, { books, corrected: 'dracula' });
    await count([
      ...readers('abcdef').map((name) => misspelt('drakula', name)),
      ...readers('abc').map((name) => searchOf('Dracula', name, { books })),
      ...byReaders('emma', 'abcd'),
    ]);
    assert.deepEqual(labels(await list(10)), ['dracula', 'emma']);
  });

  it('is as long as possible, however many misspellings are shown as one query', async (test) => {
    const { list, count } = await openTrends(test);
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
    const { list, count } = await openTrends(test);
    const searches = Array.from({ length: 6_000 }, (_, number) => {
      const query = `book ${(number * number) % 211}`;
      return shown(query, number % 7 === 0 ? null : `r${(number * 31) % 17}`, (number * 13) % 24);
    });
    await count(searches);
    const expected = [...Map.groupBy(searches, ({ queryKey }) => queryKey)]
      .map(([key, of]) => {
        const named = new Set(of.map(({ reader }) => reader).filter((reader) => reader !== null));
        return { query: key, score: named.size + of.filter(({ anonymous }) => anonymous).length, searches: of.length };
      })
      .toSorted(
        (one, other) => other.score - one.score || other.searches - one.searches || (one.query < other.query ? -1 : 1),
      );
    assert.ok(expected.length > 100);
    const listed = (await list(100)).map(({ query, score, searches }) => ({ query, score, searches }));
    assert.deepEqual(listed, expected.slice(0, 100));
  });

  it('shows everything again after the store was unavailable', async (test) => {
    let away = false;
    const { list, count } = await openTrends(test, (store) => ({
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

  it('does not keep a list longer because making it, or checking it, was slow once', async (test) => {
    let nowMs = 0;
    let heldUpMs = { describing: 1, looking: 0 };
    const slowly = (store: TrendStore): TrendStore => ({
      ...store,
      decisions: async () => {
        nowMs += heldUpMs.looking;
        return store.decisions();
      },
      describe: async (...request) => {
        nowMs += heldUpMs.describing;
        return store.describe(...request);
      },
    });
    const { trends, count } = await openTrends(test, slowly, () => nowMs);
    const first = async (waitedMs: number): Promise<string | undefined> => {
      nowMs += waitedMs;
      return (await trends.list(10))[0]?.query;
    };
    await count(byReaders('emma', 'a'));
    assert.equal(await first(0), 'emma');
    await count(byReaders('dracula', 'ab'));
    assert.equal(await first(1), 'emma', 'a list that took 1 ms is kept for 2 after a commit of this process');
    heldUpMs = { describing: 90, looking: 0 };
    assert.equal(await first(1), 'dracula');
    heldUpMs = { describing: 1, looking: 0 };
    await count(byReaders('ivanhoe', 'abc'));
    assert.equal(await first(2), 'ivanhoe');
    const made = await trends.list(10);
    nowMs += 9;
    assert.equal(await trends.list(10), made, 'and for 10 without one');
    heldUpMs = { describing: 1, looking: 90 };
    assert.equal(await first(2), 'ivanhoe');
    heldUpMs = { describing: 1, looking: 0 };
    await count(byReaders('lolita', 'abcd'));
    assert.equal(await first(2), 'lolita');
  });

  it('counts events from a fast clock into the last hour', async (test) => {
    const { list, count } = await openTrends(test);
    await count(byReaders('emma', 'ab', -1));
    const [emma] = await list(10);
    assert.deepEqual([emma?.score, emma?.hourly[23], emma?.hourly.length], [2, 2, 24]);
  });

  it('puts what is rising first, and says why', async (test) => {
    const { list, count } = await openTrends(test);
    await count([...busyWeek(), ...week('emma', 1)], { arrivedMs: noonMs - 24 * hourMs });
    await count([...byReaders('emma', 'abcdefghijklmn'), ...byReaders('steady 1', 'abcdefghijklmnopqr', 10)]);
    const [first, second] = await list(10);
    assert.deepEqual(
      [first?.query, first?.kind, first?.window, first?.why],
      ['emma', 'rising', '3h', '14 readers in the last 3 hours, usually none'],
    );
    assert.ok(first!.score > 3 && first!.score < 15);
    assert.equal(second?.query, 'steady 1');
  });

  it('shows nothing as rising without a baseline, with few readers, or from few places', async (test) => {
    const { list, count } = await openTrends(test);
    await count(byReaders('emma', 'abcdefghijklmn'));
    assert.equal((await list(10))[0]?.kind, 'popular');
    await count(busyWeek(), { arrivedMs: noonMs });
    assert.equal((await list(10))[0]?.kind, 'rising');
    await count([
      ...readers('opqrstuvwxyz').map((name) => ({ ...shown('dune', name), place: 2 ** (name.charCodeAt(0) % 2) })),
      ...byReaders('lolita', 'abc'),
    ]);
    const kinds = new Map((await list(100)).map(({ query, kind }) => [query, kind]));
    assert.deepEqual(
      ['emma', 'dune', 'lolita'].map((query) => kinds.get(query)),
      ['rising', 'popular', 'popular'],
    );
  });

  it('shows one line for queries that lead to the same book', async (test) => {
    const { list, count } = await openTrends(test);
    const dune = { id: 1, title: 'Dune: The Graphic Novel', author: 'Frank Herbert' };
    const other = { id: 2, title: 'Sand', author: 'Hugh Howey' };
    const led = (query: string, names: string): readonly CountedSearch[] =>
      readers(names).map((name) => searchOf(query, name, { books: [dune, other] }));
    await count([...led('herbert', 'abc'), ...led('dune', 'cd'), ...led('frank', 'e'), ...led('sand', 'f')]);
    assert.deepEqual(
      (await list(10)).map(({ query, readers, searches, variants }) => [query, readers, searches, variants]),
      [
        [
          'dune',
          5,
          6,
          [
            { query: 'herbert', readers: 3 },
            { query: 'frank', readers: 1 },
          ],
        ],
        ['sand', 1, 1, []],
      ],
    );
    const firstBooks = (await list(10)).map(({ books }) => (JSON.parse(books) as { id: number }[])[0]?.id);
    assert.deepEqual(firstBooks, [1, 2], 'the second row shows first a book that leads no row yet');
  });

  it('compares a window with the one before it', async (test) => {
    const { list, count } = await openTrends(test);
    await count([...byReaders('emma', 'ab', 30), ...byReaders('emma', 'a', 4), ...byReaders('emma', 'abc')]);
    const figures = async (window: Window) => (await list(10, window)).map((row) => [row.readers, row.before, row.why]);
    assert.deepEqual(await figures('3h'), [[3, 1, '3 readers in the last 3 hours, 1 in the 3 hours before']]);
    assert.deepEqual(await figures('24h'), [[3, 2, '3 readers in the last 24 hours, 2 in the 24 hours before']]);
    assert.deepEqual(await figures('7d'), [
      [6, 0, '6 readers, counted once an hour, in the last 7 days, none in the 7 days before'],
    ]);
    assert.deepEqual(await figures('30d'), [[6, null, '6 readers, counted once an hour, in the last 30 days']]);
  });

  it('rounds the figures of a query that names no book', async (test) => {
    const { list, count } = await openTrends(test);
    const names = 'abcdefghijklmnopqrstuvw';
    await count(readers(names).map((name, at) => searchOf('wool', name, { place: at })));
    const [row] = await list(10);
    assert.deepEqual(
      [row?.readers, row?.searches, row?.score, row?.before, row?.hourly, row?.variants, row?.why],
      [20, 20, 20, null, [], [], 'at least 20 readers in the last 24 hours'],
    );
  });

  it('takes out what is muted, with its whole row, and puts first what is pinned', async (test) => {
    const { list, count } = await openTrends(test);
    const dune = { id: 1, title: 'Dune', author: 'Frank Herbert' };
    const led = (query: string, name: string) => searchOf(query, name, { books: [dune] });
    await count([led('dune', 'a'), led('dune', 'b'), led('herbert', 'c'), ...byReaders('emma', 'abcd')]);
    await count([...byReaders('lolita', 'a'), decide('lolita', 'pinned', true, 1)]);
    assert.deepEqual(labels(await list(10)), ['lolita', 'emma', 'dune']);
    await count([decide('herbert', 'muted', true, 1)]);
    assert.deepEqual((await list(10))[2]?.variants, []);
    await count([decide('dune', 'muted', true, 1), decide('herbert', 'muted', false, 2)]);
    assert.deepEqual(labels(await list(10)), ['lolita', 'emma']);
    await count([decide('dune', 'muted', false, 2), decide('lolita', 'pinned', false, 2)]);
    assert.deepEqual(labels(await list(10)), ['emma', 'dune', 'lolita']);
  });

  it('shows a pinned query of few readers, but never a mail address', async (test) => {
    const { list, count } = await openTrends(test);
    const [few, mail] = ['summer reads', 'ann@example.org'];
    await count([searchOf(few, 'a', { books: [] }), searchOf(mail, 'a', { books: [] })]);
    assert.deepEqual(labels(await list(10)), []);
    await count([few, mail].map((query) => decide(countingKey(query), 'pinned', true, 1)));
    assert.deepEqual(labels(await list(10)), [few]);
  });

  it('takes out a muted query also where a misspelling is shown as that query', async (test) => {
    const { list, count } = await openTrends(test);
    const books = [{ id: 1, title: 'Dune', author: 'Frank Herbert' }];
    await count([searchOf('duen', 'a', { books, corrected: 'Dune' }), ...byReaders('emma', 'ab')]);
    assert.deepEqual(labels(await list(10)), ['emma', 'Dune']);
    await count([decide('dune', 'muted', true, 1)]);
    assert.deepEqual(labels(await list(10)), ['emma']);
  });
});
