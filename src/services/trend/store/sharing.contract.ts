import assert from 'node:assert/strict';
import { countIn, noonHour, noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import { hourMs } from '../../../runtime/time.ts';
import type { CountedSearch } from '../trend-projection.ts';
import type { HourCount } from './trend-store.ts';
import { describeOne, everything, searches, sumsOf, type TrendStoreTest } from './trend-store-under-test.contract.ts';

/** What holds when others write the same state, and after it was closed. */
export function testSharing(test: TrendStoreTest): void {
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

  test('shows a second instance what the first one counted, from then on too', async ({ store, another, count }) => {
    await count(searches('emma', ['ann']));
    const second = await another();
    assert.deepEqual(await sumsOf(second), [['emma', 1, 0, 1]]);
    const revision = await second.counts(everything, () => () => {});
    await count(searches('emma', ['bob']));
    const { counts, replacedHours } = (await second.countedSince(revision))!;
    const isWhole = replacedHours.includes(noonHour);
    assert.deepEqual(
      counts.map(({ query, hour, readers }) => [query, hour, readers]),
      [[await second.find('emma'), noonHour, isWhole ? 2 : 1]],
    );
    assert.deepEqual(await sumsOf(second), [['emma', 2, 0, 2]]);
    assert.equal((await describeOne(second, 'emma'))?.distinctReaders, 2);
    assert.equal(await second.find('emma'), await store.find('emma'));
  });

  test('returns what was counted since a revision, nothing missing and nothing twice', async ({ store, count }) => {
    await count(searches('emma', ['ann']));
    const revision = await store.counts(everything, () => () => {});
    assert.deepEqual(await store.countedSince(revision), { revision, counts: [], replacedHours: [] });
    await count(searches('emma', ['ann', 'bob']));
    await count([searchOf('dracula', null, { anonymous: true })]);
    const since = (await store.countedSince(revision))!;
    assert.deepEqual(
      since.counts.map(({ query, hour, readers, anonymous, searches }) => [query, hour, readers, anonymous, searches]),
      [
        [await store.find('emma'), noonHour, 1, 0, 2],
        [await store.find('dracula'), noonHour, 0, 1, 1],
      ],
    );
    assert.deepEqual((await store.countedSince(since.revision))?.counts, []);
    assert.equal(await store.countedSince(since.revision + 1), null);
  });

  test('returns whole hours only where others counted', async ({ store, another }) => {
    const [here, there] = await countIn(store, await another());
    const hourAgo = (query: string, ago: number): CountedSearch =>
      searchOf(query, 'ann', { time: noonMs - ago * hourMs });
    await here!([hourAgo('emma', 0), hourAgo('dune', 5), hourAgo('lolita', 100)]);
    const known = new Map<string, HourCount>();
    const revision = await store.counts(
      everything,
      () => (count) => void known.set(`${count.hour} ${count.query}`, count),
    );
    await there!([hourAgo('dracula', 5)]);
    await here!([hourAgo('emma', 2)]);
    await there!([hourAgo('dracula', 2)]);
    const told = (await store.countedSince(revision))!;
    const hours = [...new Set(told.counts.map(({ hour }) => noonHour - hour))].toSorted((one, other) => one - other);
    assert.deepEqual(hours, [2, 5]);
    for (const [name, { hour }] of known) if (told.replacedHours.includes(hour)) known.delete(name);
    for (const count of told.counts) known.set(`${count.hour} ${count.query}`, count);
    const fresh: HourCount[] = [];
    await store.counts(everything, () => (count) => void fresh.push(count));
    const inOrder = (counts: Iterable<HourCount>): readonly HourCount[] =>
      [...counts].toSorted((one, other) => one.hour - other.hour || one.query - other.query);
    assert.deepEqual(inOrder(known.values()), inOrder(fresh));
    assert.deepEqual((await store.countedSince(told.revision))?.counts, []);
  });

  test('counts nothing of a commit that was refused', async ({ store, another }) => {
    const [stale] = await countIn(store);
    await store.release('trend-svr', 'instance 0');
    const revision = await store.counts(everything, () => () => {});
    assert.equal(await stale!(searches('emma', ['ann'])), false);
    assert.deepEqual(await store.countedSince(revision), { revision, counts: [], replacedHours: [] });
    assert.deepEqual(await sumsOf(await another()), []);
  });

  test('keeps everything when it is opened again, and continues from there', async ({ store, another, count }) => {
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
