import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countIn, noonHour, noonMs, searchOf, type Counting } from '../../../test/support/count-searches.ts';
import type { CountedSearch } from './trend-projection.ts';
import type { QueryDescription, TrendStore } from './trend-store.ts';

/** A fresh, empty store. */
export type TrendStoreUnderTest = {
  readonly store: TrendStore;
  /** A second connection to the same state, as another process would have it; closed with the rest. */
  readonly another: () => Promise<TrendStore>;
  readonly close: () => Promise<void>;
};

type Body = (opened: TrendStoreUnderTest & { readonly count: Counting }) => Promise<void>;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const today = Math.floor(noonHour / 24);
const everything = 0;

const sumsOf = async (store: TrendStore, fromHour = everything) =>
  (await store.totals(fromHour)).totals
    .map(({ key, readers, anonymous, searches }) => [key, readers, anonymous, searches] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));

const describeOne = async (
  store: TrendStore,
  key: string,
  fromHour = noonHour - 23,
): Promise<QueryDescription | undefined> => {
  const number = await store.find(key);
  return number === null ? undefined : (await store.describe([number], fromHour))[0];
};

const searches = (query: string, readers: readonly (string | null)[]): readonly CountedSearch[] =>
  readers.map((reader) => searchOf(query, reader));

/** What every trend store promises beside its progress; run it once per technology. */
export function trendStoreContract(technology: string, open: () => Promise<TrendStoreUnderTest>): void {
  const test = (name: string, body: Body): void => {
    it(name, async () => {
      const opened = await open();
      try {
        const [count] = await countIn(opened.store);
        await body({ ...opened, count: count! });
      } finally {
        await opened.close();
      }
    });
  };

  describe(`trend store in ${technology}`, () => {
    countingContract(test);
    sharingContract(test);
    answersContract(test);
    forgettingContract(test);
  });
}

type Test = (name: string, body: Body) => void;

function countingContract(test: Test): void {
  test('counts a reader once per query and hour, in one commit or several', async ({ store, count }) => {
    await count(searches('emma', ['ann', 'ann', 'bob']));
    await count(searches('emma', ['bob', 'cid']));
    await count([searchOf('emma', 'ann', { time: noonMs + hourMs }), searchOf('dracula', 'ann')]);
    assert.deepEqual(await sumsOf(store), [
      ['dracula', 1, 0, 1],
      ['emma', 4, 0, 6],
    ]);
    const emma = await describeOne(store, 'emma');
    assert.equal(emma?.distinctReaders, 3);
    assert.deepEqual(emma.hours, [
      { hour: noonHour, readers: 3, anonymous: 0, searches: 5 },
      { hour: noonHour + 1, readers: 1, anonymous: 0, searches: 1 },
    ]);
  });

  test('adds searches by nobody in particular, and those that count towards nothing', async ({ store, count }) => {
    await count([searchOf('emma', null, { anonymous: true }), searchOf('emma', null)]);
    await count([searchOf('emma', null, { anonymous: true })]);
    assert.deepEqual(await sumsOf(store), [['emma', 0, 2, 3]]);
  });

  test('sums a window from its first hour on', async ({ store, count }) => {
    await count([-2, -1, 0].map((ago) => searchOf('emma', 'ann', { time: noonMs + ago * hourMs })));
    assert.deepEqual(await sumsOf(store, noonHour - 1), [['emma', 2, 0, 2]]);
    assert.deepEqual(await sumsOf(store, noonHour + 1), []);
  });

  test('sums by day, leaving out days without a search', async ({ store, count }) => {
    await count([2, 2, 0].map((ago) => searchOf('emma', 'ann', { time: noonMs - ago * dayMs })));
    const emma = (await store.find('emma'))!;
    assert.deepEqual(await store.daily(emma, today - 29), [
      { day: today - 2, readers: 1, anonymous: 0, searches: 2 },
      { day: today, readers: 1, anonymous: 0, searches: 1 },
    ]);
    assert.deepEqual(
      (await store.daily(emma, today - 1)).map(({ day }) => day),
      [today],
    );
  });

  test('knows nothing of a query nobody searched for', async ({ store, count }) => {
    await count(searches('emma', ['ann']));
    assert.equal(await store.find('dracula'), null);
    assert.deepEqual(await store.describe([4_711], noonHour - 23), []);
    assert.deepEqual(await store.daily(4_711, 0), []);
  });

  test('leaves nothing behind when a commit fails, and counts right afterwards', async ({ store, count }) => {
    const impossible = { ...searchOf('emma', 'bob'), hour: Number.NaN };
    const { revision } = await store.totals(everything);
    await assert.rejects(count([...searches('emma', ['ann']), impossible]));
    assert.deepEqual(await sumsOf(store), []);
    assert.equal(await store.find('emma'), null);
    assert.deepEqual((await store.countedSince(revision))?.counts ?? [], []);
    await count(searches('dracula', ['bob']));
    await count(searches('emma', ['ann', 'bob']));
    assert.deepEqual(await sumsOf(store), [
      ['dracula', 1, 0, 1],
      ['emma', 2, 0, 2],
    ]);
  });
}

function sharingContract(test: Test): void {
  test('counts right when two instances write the same rows in turn', async ({ store, another }) => {
    const [one, other] = await countIn(store, await another());
    for (const readers of [['ann', 'bob'], ['bob', 'cid', null], ['ann'], ['dan', 'dan']]) {
      assert.ok(await one!(searches('emma', readers)));
      assert.ok(await other!([...searches('emma', readers), ...searches(`for ${readers.length}`, readers)]));
    }
    const sums = await sumsOf(store);
    assert.deepEqual(sums.at(0), ['emma', 4, 0, 16]);
    assert.equal((await describeOne(store, 'emma'))?.distinctReaders, 4);
    assert.deepEqual(await sumsOf(await another()), sums);
  });

  test('counts right when two instances write at once', async ({ store, another }) => {
    const [one, other] = await countIn(store, await another());
    const rounds = Array.from({ length: 20 }, (_, round) => searches('emma', [`r${round}`, 'ann', `r${round + 1}`]));
    await Promise.all(
      [one!, other!].map(async (count) => {
        for (const round of rounds) assert.ok(await count(round));
      }),
    );
    assert.deepEqual(await sumsOf(store), [['emma', 22, 0, 120]]);
  });

  test('shows a second instance what the first one counted, from then on too', async ({ store, another, count }) => {
    await count(searches('emma', ['ann']));
    const second = await another();
    assert.deepEqual(await sumsOf(second), [['emma', 1, 0, 1]]);
    const { revision } = await second.totals(everything);
    await count(searches('emma', ['bob']));
    assert.equal(await second.countedSince(revision), null);
    assert.deepEqual(await sumsOf(second), [['emma', 2, 0, 2]]);
    assert.equal((await describeOne(second, 'emma'))?.distinctReaders, 2);
    assert.equal(await second.find('emma'), await store.find('emma'));
  });

  test('tells what was counted since a revision, so that nothing is missed or told twice', async ({ store, count }) => {
    await count(searches('emma', ['ann']));
    const { revision } = await store.totals(everything);
    assert.deepEqual(await store.countedSince(revision), { revision, counts: [] });
    await count(searches('emma', ['ann', 'bob']));
    await count([searchOf('dracula', null, { anonymous: true })]);
    const since = (await store.countedSince(revision))!;
    assert.deepEqual(
      since.counts.map(({ key, hour, readers, anonymous, searches }) => [key, hour, readers, anonymous, searches]),
      [
        ['emma', noonHour, 1, 0, 2],
        ['dracula', noonHour, 0, 1, 1],
      ],
    );
    assert.deepEqual((await store.countedSince(since.revision))?.counts, []);
    assert.equal(await store.countedSince(since.revision + 1), null);
  });

  test('counts nothing of a commit that was refused', async ({ store, another }) => {
    const [stale] = await countIn(store);
    await store.release('trend-svr', 'instance 0');
    const { revision } = await store.totals(everything);
    assert.equal(await stale!(searches('emma', ['ann'])), false);
    assert.deepEqual(await store.countedSince(revision), { revision, counts: [] });
    assert.deepEqual(await sumsOf(await another()), []);
  });

  test('keeps everything when it is opened anew, and goes on from there', async ({ store, another, count }) => {
    await count([searchOf('Émma', 'ann', { books: [{ id: 1 }], corrected: 'emma' })]);
    const before = await describeOne(store, 'emma');
    assert.equal(before?.label, 'Émma');
    await store.close();
    const reopened = await another();
    assert.deepEqual(await describeOne(reopened, 'emma'), before);
    const [position] = await reopened.positions('trend-svr');
    assert.equal(position?.next, 1);
    await reopened.release('trend-svr', 'instance 0');
    const [again] = await countIn(reopened);
    assert.ok(await again!(searches('emma', ['ann', 'bob'])));
    assert.deepEqual(await sumsOf(reopened), [['emma', 2, 0, 3]]);
  });
}

function answersContract(test: Test): void {
  const answer = async (store: TrendStore) => {
    const { books, corrected } = (await describeOne(store, 'emma'))!;
    return [books, corrected];
  };

  test('keeps the latest answer, whichever comes last', async ({ store, count }) => {
    await count([searchOf('emma', 'ann', { books: ['at noon'], corrected: 'emma' })]);
    await count([searchOf('emma', 'bob', { books: ['before'], time: noonMs - 1 })]);
    assert.deepEqual(await answer(store), ['["at noon"]', 'emma']);
    await count([searchOf('emma', 'cid', { books: ['after'], time: noonMs + 1 })]);
    assert.deepEqual(await answer(store), ['["after"]', null]);
  });

  test('keeps the greatest of several answers of one moment', async ({ store, another }) => {
    const [one, other] = await countIn(store, await another());
    await one!([searchOf('emma', 'ann', { books: ['b'] }), searchOf('emma', 'ann', { books: ['a'] })]);
    await other!([searchOf('emma', 'ann', { books: ['c'] })]);
    await one!([searchOf('emma', 'ann', { books: ['b'] })]);
    assert.deepEqual(await answer(store), ['["c"]', null]);
    await one!([searchOf('emma', 'ann', { books: ['c'], corrected: 'emma' })]);
    await other!([searchOf('emma', 'ann', { books: ['c'] })]);
    assert.deepEqual(await answer(store), ['["c"]', 'emma']);
  });

  test('labels a query as it was most spelt in thirty days, among equals by code point', async ({ store, count }) => {
    // In UTF-16, which JavaScript compares by, the second comes first.
    const [smaller, greater] = ['emma\uFF0E', 'emma\u{1F600}'];
    const spelt = (label: string, ago = 0): CountedSearch => ({
      ...searchOf('emma', 'ann', { time: noonMs - ago * dayMs }),
      label,
    });
    await count([spelt(greater), spelt(smaller)]);
    assert.equal((await describeOne(store, 'emma'))?.label, smaller);
    await count([spelt(greater, 20)]);
    assert.equal((await describeOne(store, 'emma'))?.label, greater);
  });
}

function forgettingContract(test: Test): void {
  const agoHours = (hours: number): number => noonMs - hours * hourMs;
  const old = (query: string, hours: number, reader = 'ann'): CountedSearch =>
    searchOf(query, reader, { time: agoHours(hours) });
  const noonIsReached = (count: Counting): Promise<boolean> => count([], { arrivedMs: noonMs });

  test('forgets who searched after 25 hours, but not how many', async ({ store, count }) => {
    await count([old('emma', 25), old('emma', 24)], { arrivedMs: agoHours(24) });
    const from = noonHour - 25;
    assert.equal((await describeOne(store, 'emma', from))?.distinctReaders, 1);
    await count([old('emma', 25, 'bob')], { arrivedMs: agoHours(1) });
    assert.equal((await describeOne(store, 'emma', from))?.distinctReaders, 2);
    await noonIsReached(count);
    assert.equal((await describeOne(store, 'emma', from))?.distinctReaders, 1);
    assert.deepEqual(await sumsOf(store, from), [['emma', 3, 0, 3]]);
  });

  test('keeps hours for eight days and days for thirty', async ({ store, count }) => {
    for (const hours of [31 * 24, 29 * 24, 193, 192]) {
      await count([old('emma', hours)], { arrivedMs: agoHours(hours) });
    }
    await noonIsReached(count);
    assert.deepEqual(await sumsOf(store), [['emma', 3, 0, 3]]);
    assert.deepEqual(await sumsOf(store, noonHour - 192), [['emma', 2, 0, 2]], 'the whole day of its first hour');
    assert.deepEqual(await sumsOf(store, noonHour - 168), []);
    const days = (await store.daily((await store.find('emma'))!, today - 31)).map(({ day }) => day - today);
    assert.deepEqual(days, [-29, -8]);
  });

  test('forgets a query nobody searched for in thirty days, whole', async ({ store, count }) => {
    await count([old('emma', 31 * 24), old('dracula', 31 * 24)], { arrivedMs: agoHours(31 * 24) });
    const emma = (await store.find('emma'))!;
    await count([old('dracula', 1)], { arrivedMs: noonMs });
    assert.equal(await store.find('emma'), null);
    assert.deepEqual(await store.describe([emma], noonHour - 23), []);
    assert.deepEqual(await sumsOf(store), [['dracula', 1, 0, 1]]);
    await count(searches('emma', ['bob']));
    assert.deepEqual((await describeOne(store, 'emma'))?.distinctReaders, 1);
  });

  test('forgets nothing that unread records of another partition may still touch', async ({ store, another }) => {
    const [ahead, behind] = await countIn(store, await another());
    await behind!([old('emma', 40)], { arrivedMs: agoHours(40), unread: 1 });
    await ahead!(searches('dracula', ['bob']), { arrivedMs: noonMs });
    await behind!([old('emma', 40)], { arrivedMs: agoHours(40), unread: 1 });
    const from = noonHour - 40;
    assert.deepEqual(await sumsOf(store), [
      ['dracula', 1, 0, 1],
      ['emma', 1, 0, 2],
    ]);
    assert.equal((await describeOne(store, 'emma', from))?.distinctReaders, 1);
    await behind!([], { arrivedMs: noonMs });
    assert.equal((await describeOne(store, 'emma', from))?.distinctReaders, 0);
  });

  test('counts right after another instance has forgotten readers and queries it knew', async ({ store, another }) => {
    const [one, other] = await countIn(store, await another());
    const long = 31 * 24;
    await one!([old('emma', long)], { arrivedMs: agoHours(long) });
    await other!([old('dracula', long)], { arrivedMs: agoHours(long) });
    await other!([old('dracula', 0, 'bob')], { arrivedMs: noonMs });
    await one!(searches('emma', ['ann', 'ann']), { arrivedMs: noonMs });
    await one!(searches('dracula', ['ann']), { arrivedMs: noonMs });
    assert.deepEqual(await sumsOf(store, noonHour - 23), [
      ['dracula', 2, 0, 2],
      ['emma', 1, 0, 2],
    ]);
    assert.equal((await describeOne(store, 'emma'))?.distinctReaders, 1);
    assert.equal((await describeOne(store, 'dracula'))?.distinctReaders, 2);
  });

  test('gets rid of many old rows over several commits', async ({ store, count }) => {
    const readers = Array.from({ length: 5_000 }, (_, number) => old('emma', 30, `reader ${number}`));
    await count(readers, { arrivedMs: agoHours(30) });
    const left = async () => (await describeOne(store, 'emma', noonHour - 30))!.distinctReaders;
    assert.equal(await left(), 5_000);
    for (let commits = 0; commits < 10; commits++) await noonIsReached(count);
    assert.equal(await left(), 0);
    assert.deepEqual(await sumsOf(store), [['emma', 5_000, 0, 5_000]]);
  });
}
