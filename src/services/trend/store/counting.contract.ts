import assert from 'node:assert/strict';
import { countIn, noonHour, noonMs, searchOf, type Counting } from '../../../../test/support/count-searches.ts';
import { dayMs, hourMs } from '../../../runtime/time.ts';
import type { CountedSearch } from '../trend-projection.ts';
import { describeOne, everything, searches, sumsOf, type TrendStoreTest } from './trend-store-under-test.contract.ts';

const today = Math.floor(noonHour / 24);

/** What is counted, and how it is summed. */
export function testCounting(test: TrendStoreTest): void {
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

  test('counts searches without a reader, and those that add no reader', async ({ store, count }) => {
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
    const revision = await store.counts(everything, () => () => {});
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

/** What goes, and what must stay. */
export function testForgetting(test: TrendStoreTest): void {
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
    for (const hours of [31 * 24, 29 * 24, 193, 192, 168, 167]) {
      await count([old('emma', hours)], { arrivedMs: agoHours(hours) });
    }
    await noonIsReached(count);
    assert.deepEqual(await sumsOf(store), [['emma', 5, 0, 5]]);
    assert.deepEqual(await sumsOf(store, noonHour - 191), [['emma', 3, 0, 3]], 'with what is left of its day as a day');
    assert.deepEqual(await sumsOf(store, noonHour - 167), [['emma', 1, 0, 1]]);
    const days = (await store.daily((await store.find('emma'))!, today - 31)).map(({ day }) => day - today);
    assert.deepEqual(days, [-29, -8, -7]);
  });

  test('forgets everything about a query that nobody searched for in thirty days', async ({ store, count }) => {
    await count([old('emma', 31 * 24), old('dracula', 31 * 24)], { arrivedMs: agoHours(31 * 24) });
    const emma = (await store.find('emma'))!;
    await count([old('dracula', 1)], { arrivedMs: noonMs });
    assert.equal(await store.find('emma'), null);
    assert.deepEqual(await store.describe([emma], noonHour - 23), []);
    assert.deepEqual(await sumsOf(store), [['dracula', 1, 0, 1]]);
    await count(searches('emma', ['bob']));
    assert.deepEqual((await describeOne(store, 'emma'))?.distinctReaders, 1);
  });

  test('shows no query of long ago, although no later event has removed it', async (opened) => {
    const { store, count } = opened;
    await count(searches('emma', ['ann']));
    assert.equal((await describeOne(store, 'emma', noonHour + 29 * 24))?.label, 'emma');
    assert.equal(await describeOne(store, 'emma', noonHour + 40 * 24), undefined);
  });

  test('forgets nothing that unread records of another partition may still change', async ({ store, another }) => {
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

  test('removes many old rows over several commits', async ({ store, count }) => {
    const readers = Array.from({ length: 5_000 }, (_, number) => old('emma', 30, `reader ${number}`));
    await count(readers, { arrivedMs: agoHours(30) });
    const left = async () => (await describeOne(store, 'emma', noonHour - 30))!.distinctReaders;
    assert.equal(await left(), 5_000);
    for (let commits = 0; commits < 10; commits++) await noonIsReached(count);
    assert.equal(await left(), 0);
    assert.deepEqual(await sumsOf(store), [['emma', 5_000, 0, 5_000]]);
  });
}
