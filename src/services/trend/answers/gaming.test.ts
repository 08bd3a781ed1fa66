import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { searchOf } from '../../../../test/support/count-searches.ts';
import { busyWeek, openTrends, shown, week } from '../../../../test/support/open-trends.ts';
import type { CountedSearch } from '../trend-projection.ts';
import { createRecentCounts } from './recent-counts.ts';
import { lowestScore } from './burst.ts';

const book = [{ id: 1, title: 'Trash', author: 'Nobody' }];
const spam = (reader: string | null, fields: Parameters<typeof searchOf>[2] = {}): CountedSearch =>
  searchOf('trash', reader, { books: book, ...fields });

/** A shop in which fourteen readers have turned to "emma" within the last hour. */
async function openBusyShop(test: TestContext) {
  const opened = await openTrends(test);
  await opened.count([...busyWeek(), ...week('emma', 1)]);
  await opened.count(Array.from('abcdefghijklmn', (reader) => shown('emma', reader)));
  const first = async () => {
    const [row] = await opened.list(10);
    return [row?.query, row?.kind, row?.score];
  };
  const kindOf = async (query: string) => (await opened.list(100)).find((row) => row.query === query)?.kind;
  return { ...opened, first, kindOf };
}

describe('what is rising', () => {
  it('stays as it was when one client repeats a query 100,000 times', async (test) => {
    const { count, first, kindOf, list } = await openBusyShop(test);
    const before = await first();
    const repeated = spam('bot');
    for (let commit = 0; commit < 20; commit++) await count(Array.from({ length: 5_000 }, () => repeated));
    assert.deepEqual([(await first()).slice(0, 2), await kindOf('trash')], [before.slice(0, 2), 'popular']);
    const row = (await list(100)).find(({ query }) => query === 'trash');
    assert.deepEqual([row?.readers, row?.searches], [1, 100_000]);
  });

  it('stays as it was when one client repeats a query in each of 24 hours', async (test) => {
    const { count, first, kindOf } = await openBusyShop(test);
    const before = await first();
    const hours = Array.from({ length: 24 }, (_, ago) => shown('trash', 'bot', ago));
    await count(hours.map((search, ago) => ({ ...search, place: 1 << ago })));
    assert.deepEqual([(await first()).slice(0, 2), await kindOf('trash')], [before.slice(0, 2), 'popular']);
  });

  it('stays as it was when 1,000 new readers come from one address, of whom the shop lets 20 count', async (test) => {
    const { count, first, kindOf } = await openBusyShop(test);
    const before = await first();
    const fromThere = Array.from({ length: 1_000 }, (_, number) =>
      spam(number < 20 ? `new ${number}` : null, { place: 7 }),
    );
    await count(fromThere);
    assert.deepEqual([(await first()).slice(0, 2), await kindOf('trash')], [before.slice(0, 2), 'popular']);
  });

  it('stays as it was when plain messages without readers repeat queries', async (test) => {
    const { count, first } = await openBusyShop(test);
    const before = await first();
    const different = Array.from({ length: 5_000 }, (_, number) =>
      searchOf(`nonsense ${number}`, null, { books: book, anonymous: true }),
    );
    await count([...different, ...Array.from({ length: 5_000 }, () => spam(null, { anonymous: true }))]);
    assert.deepEqual(await first(), before);
  });

  it('is nothing on the first day of a shop', async (test) => {
    const { count, list } = await openTrends(test);
    await count(Array.from({ length: 200 }, (_, reader) => shown('emma', `r${reader}`)));
    assert.deepEqual(
      (await list(10)).map(({ kind }) => kind),
      ['popular'],
    );
  });

  it('is found among 1,000,000 different queries of one hour, in bounded memory', async () => {
    const nowHour = 490_000;
    const recent = createRecentCounts({
      counts: async (_fromHour, begin) => {
        const take = begin();
        for (let hour = nowHour - 190; hour < nowHour - 24; hour++) {
          take({ query: 1, hour, readers: 9, anonymous: 0, searches: 9 });
        }
        take({ query: 2, hour: nowHour, readers: 40, anonymous: 0, searches: 40 });
        for (let query = 3; query < 1_000_003; query++) {
          take({ query, hour: nowHour, readers: 0, anonymous: 1, searches: 1 });
        }
        return 1;
      },
      countedSince: async (revision) => ({ revision, counts: [], replacedHours: [] }),
      keysOf: async () => new Map(),
    });
    await recent.refresh(nowHour);
    const [riser, ...none] = await recent.risers(10);
    assert.deepEqual([riser?.query, none.length, recent.size()], [2, 0, 1_000_001]);
    assert.ok(riser!.score > 2 * lowestScore);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    assert.ok(heapUsed + arrayBuffers < 600e6, `${heapUsed + arrayBuffers} bytes`);
    await recent.refresh(nowHour + 200);
    assert.equal(recent.size(), 0);
  });
});
