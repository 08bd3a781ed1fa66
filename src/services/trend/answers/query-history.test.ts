import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { noonMs, searchOf } from '../../../../test/support/count-searches.ts';
import { openCountedStore } from '../../../../test/support/open-counted-store.ts';
import { dayMs, hourMs } from '../../../runtime/time.ts';
import { createPrivacyRule } from './privacy.ts';
import { createQueryHistory } from './query-history.ts';

const books = [{ id: 1, title: 'Emma', author: 'Jane Austen' }];

/** Histories from a new store, at noon; three readers are enough for any query. */
async function openHistory(test: TestContext) {
  const opened = await openCountedStore(test);
  let nowMs = noonMs;
  const history = createQueryHistory({
    store: opened.store,
    clock: () => nowMs,
    privacyRule: createPrivacyRule({ minimumReaders: 3, blockedWords: ['damn'], isPublic: () => false }),
  });
  return { ...opened, history, passDays: (days: number) => void (nowMs += days * dayMs) };
}

/** A row of zeros but for what is given by place. */
const row = (length: number, values: Readonly<Record<number, number>>): readonly number[] =>
  Array.from({ length }, (_, place) => values[place] ?? 0);

describe('the history of a query', () => {
  it('has the last 24 hours and 30 days, oldest first, and the sums of the days', async (test) => {
    const { history, count } = await openHistory(test);
    const ago = (ms: number, reader: string | null) =>
      searchOf('emma', reader, { time: noonMs - ms, books, anonymous: reader === null });
    await count([
      ago(30 * dayMs, 'ann'),
      ago(29 * dayMs, 'ann'),
      ago(24 * hourMs, 'ann'),
      ago(23 * hourMs, 'ann'),
      ago(23 * hourMs, 'ann'),
      ago(0, 'ann'),
      ago(0, null),
    ]);
    assert.deepEqual(await history('emma', false), {
      query: 'emma',
      searches: 6,
      readers: 4,
      hourly: row(24, { 0: 1, 23: 2 }),
      daily: row(30, { 0: 1, 28: 2, 29: 2 }),
    });
  });

  it('is the same for every spelling, and named by the most common one', async (test) => {
    const { history, count } = await openHistory(test);
    await count(['ann', 'bob'].map((reader) => searchOf('Emma', reader, { books })));
    await count([searchOf('ÉMMA!', 'cid', { books })]);
    const emma = await history('Emma', false);
    assert.equal(emma?.query, 'Emma');
    assert.deepEqual(await history('  émma?', false), emma);
  });

  it('counts events from a fast clock into the last hour and day', async (test) => {
    const { history, count } = await openHistory(test);
    await count([1, 12].map((hours) => searchOf('emma', 'ann', { time: noonMs + hours * hourMs, books })));
    const emma = await history('emma', false);
    assert.deepEqual([emma?.hourly[23], emma?.daily[29], emma?.searches], [1, 2, 2]);
  });

  it('knows nothing of a query nobody searched for', async (test) => {
    const { history, count } = await openHistory(test);
    await count([searchOf('emma', 'ann', { books })]);
    assert.equal(await history('dracula', true), null);
  });

  it('is hidden while the query is private, but not from operators', async (test) => {
    const { history, count } = await openHistory(test);
    await count(['ann', 'bob'].map((reader) => searchOf('jon smith', reader)));
    assert.equal(await history('jon smith', false), null);
    assert.equal((await history('jon smith', true))?.readers, 2);
    await count([searchOf('jon smith', 'cid')]);
    const shown = await history('jon smith', false);
    assert.deepEqual([shown?.readers, shown?.hourly, shown?.daily], [2, [], []], 'rounded down, and no more told');
    assert.equal((await history('jon smith', true))?.readers, 3);
  });

  it('stays hidden when the query may never be shown', async (test) => {
    const { history, count } = await openHistory(test);
    const queries = ['ann@example.com', '+49 30 1234567', 'damn it'];
    await count(queries.flatMap((query) => ['ann', 'bob', 'cid', 'dan'].map((reader) => searchOf(query, reader))));
    for (const query of queries) {
      assert.equal(await history(query, false), null);
      assert.equal((await history(query, true))?.query, query);
    }
  });

  it('is named by the corrected spelling when only that may be shown', async (test) => {
    const { history, count } = await openHistory(test);
    await count([searchOf('emna', 'ann', { books, corrected: 'emma' })]);
    assert.equal((await history('emna', false))?.query, 'emma');
    assert.equal(await history('emma', false), null);
  });

  it('is hidden from readers while the query is muted, by whatever spelling it is shown', async (test) => {
    const { history, count } = await openHistory(test);
    const decision = {
      kind: 'decision',
      queryKey: 'emma',
      about: 'muted',
      holds: true,
      time: 1,
      tieBreak: '',
    } as const;
    await count([searchOf('emna', 'ann', { books, corrected: 'emma' }), searchOf('emma', 'ann', { books }), decision]);
    for (const query of ['emma', 'emna']) {
      assert.equal(await history(query, false), null, query);
      assert.equal((await history(query, true))?.query, query);
    }
  });

  it('is unknown when nobody has searched for anything in a long time', async (test) => {
    const { history, count, passDays } = await openHistory(test);
    await count([searchOf('emma', 'ann', { books })]);
    passDays(29);
    assert.deepEqual((await history('emma', false))?.daily, row(30, { 0: 1 }));
    passDays(11);
    assert.deepEqual([await history('emma', false), await history('emma', true)], [null, null]);
  });
});
