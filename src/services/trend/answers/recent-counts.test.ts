import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { HourCount } from '../store/trend-store.ts';
import { createHourBucket } from './hour-buckets.ts';
import { createRecentCounts, type Sums } from './recent-counts.ts';

const firstHour = 490_000;

/** All counts so far, and those after a revision, as a store has them. */
function createSource() {
  const counted: HourCount[] = [];
  return {
    counted,
    add: (...counts: readonly HourCount[]) => void counted.push(...counts),
    /** The greatest numbers have the least keys. */
    keysOf: async (asked: readonly number[]) => new Map(asked.map((query) => [query, String(9 - query)])),
    counts: async (fromHour: number, begin: () => (count: HourCount) => void) => {
      const take = begin();
      for (const count of byHour(counted)) if (count.hour >= fromHour) take(count);
      return counted.length;
    },
    /** Of every other hour, all counts as they are now. */
    countedSince: async (revision: number) => {
      const since = counted.slice(revision);
      const replaced = new Set(since.map(({ hour }) => hour).filter((hour) => hour % 2 === 0));
      const counts = since.filter(({ hour }) => !replaced.has(hour));
      const rows = byHour(counted).filter(({ hour }) => replaced.has(hour));
      return { revision: counted.length, counts: [...counts, ...rows], replacedHours: [...replaced] };
    },
  };
}

/** One row for each query and hour, as they are stored. */
function byHour(counted: readonly HourCount[]): readonly HourCount[] {
  const rows = new Map<string, HourCount>();
  for (const { query, hour, readers, anonymous, searches } of counted) {
    const known = rows.get(`${query} ${hour}`) ?? { query, hour, readers: 0, anonymous: 0, searches: 0 };
    rows.set(`${query} ${hour}`, {
      ...known,
      readers: known.readers + readers,
      anonymous: known.anonymous + anonymous,
      searches: known.searches + searches,
    });
  }
  return [...rows.values()];
}

/** The sums of one query, worked out from the beginning. */
function expectedSums(counted: readonly HourCount[], query: number, nowHour: number): Sums {
  const rows = byHour(counted).filter((row) => row.query === query);
  const sum = (from: number, to: number, of: (row: HourCount) => number): number =>
    rows.reduce((all, row) => (nowHour - row.hour >= from && nowHour - row.hour < to ? all + of(row) : all), 0);
  const listed = ({ readers, anonymous }: HourCount): number => readers + anonymous;
  const rise = ({ readers, anonymous }: HourCount): number => readers + Math.min(1, anonymous);
  const searches = (row: HourCount): number => row.searches;
  return {
    list3: sum(-9, 3, listed),
    list24: sum(-9, 24, listed),
    list168: sum(-9, 168, listed),
    searches3: sum(-9, 3, searches),
    searches24: sum(-9, 24, searches),
    searches168: sum(-9, 168, searches),
    rise3: sum(-9, 3, rise),
    rise6: sum(-9, 6, rise),
    rise12: sum(-9, 12, rise),
    rise24: sum(-9, 24, rise),
    base: sum(24, 192, rise),
  };
}

const queries = [1, 2, 3];
const count: fc.Arbitrary<Omit<HourCount, 'hour'> & { readonly ago: number }> = fc.record({
  query: fc.constantFrom(...queries),
  ago: fc.oneof(fc.constantFrom(-2, 0, 1, 2, 3, 23, 24, 167, 168, 170, 171, 191, 192), fc.nat({ max: 200 })),
  readers: fc.nat({ max: 3 }),
  anonymous: fc.constantFrom(0, 0, 1, 2),
  searches: fc.integer({ min: 1, max: 5 }),
});
const steps = fc.array(
  fc.record({ counts: fc.array(count, { maxLength: 6 }), hours: fc.constantFrom(0, 0, 1, 1, 2, 24, 150, 400) }),
  { maxLength: 20 },
);

describe('recent counts in memory', () => {
  it('have the same sums as if they were all read again, however hours pass', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const source = createSource();
        const recent = createRecentCounts(source);
        let nowHour = firstHour;
        await recent.refresh(nowHour);
        for (const { counts, hours } of given) {
          source.add(...counts.map(({ ago, ...rest }) => ({ ...rest, hour: nowHour - ago })));
          nowHour += hours;
          await recent.refresh(nowHour);
          for (const query of queries) {
            assert.deepEqual(recent.sumsOf(query), expectedSums(source.counted, query, nowHour));
          }
          const fresh = createRecentCounts(source);
          await fresh.refresh(nowHour);
          for (const sum of ['list3', 'list24', 'list168'] as const) {
            assert.deepEqual(await recent.top(sum, 2), await fresh.top(sum, 2));
          }
          assert.deepEqual(await recent.risers(2), await fresh.risers(2));
          assert.deepEqual(recent.comparison(), fresh.comparison());
          assert.equal(recent.size(), queries.filter((query) => recent.sumOf(query, 'searches24') > 0).length);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('begins with the same queries whatever numbers they have, when many share the lowest score', async () => {
    const keys = Array.from({ length: 50 }, (_, at) => `query ${at}`);
    const firstOf = async (numbered: readonly string[]): Promise<readonly string[]> => {
      const source = createSource();
      source.add(
        ...numbered.map((key, query) => ({
          query,
          hour: firstHour,
          readers: key === 'query 7' ? 2 : 1,
          anonymous: 0,
          searches: 2,
        })),
      );
      const keysOf = async (queries: readonly number[]) => new Map(queries.map((query) => [query, numbered[query]!]));
      const recent = createRecentCounts({ ...source, keysOf });
      await recent.refresh(firstHour);
      return (await recent.top('list24', 3)).map(({ query }) => numbered[query]!).toSorted();
    };
    assert.deepEqual(await firstOf(keys), ['query 0', 'query 1', 'query 7']);
    assert.deepEqual(await firstOf(keys.toReversed()), ['query 0', 'query 1', 'query 7']);
  });

  it('are read again after a read that failed halfway', async () => {
    const source = createSource();
    let fails = false;
    const recent = createRecentCounts({
      ...source,
      counts: (fromHour, begin) =>
        source.counts(fromHour, () => {
          const take = begin();
          return (count) => {
            if (fails && count.query === 2) throw new Error('the connection is lost');
            take(count);
          };
        }),
    });
    source.add(...queries.map((query) => ({ query, hour: firstHour, readers: 1, anonymous: 0, searches: 1 })));
    await recent.refresh(firstHour);
    fails = true;
    // The clock was set back, so everything must be read.
    await assert.rejects(recent.refresh(firstHour - 1));
    fails = false;
    await recent.refresh(firstHour);
    assert.deepEqual(
      queries.map((query) => recent.sumOf(query, 'list3')),
      [1, 1, 1],
    );
  });
});

describe('an hour that has passed', () => {
  it('keeps no more entries, however often it is counted into, and the same sums', () => {
    let uses = 0;
    const bucket = createHourBucket(() => void uses--);
    const count = (slot: number): void => {
      if (bucket.add(slot, 1, 2, 3, 4)) uses++;
    };
    for (let slot = 0; slot < 100; slot++) count(slot);
    bucket.close();
    for (let time = 1; time < 500; time++) for (let slot = 0; slot < 100; slot++) count(slot);
    const sums = new Map<number, number>();
    let entries = 0;
    bucket.each((slot, listed, rise, searches) => {
      entries++;
      sums.set(slot, (sums.get(slot) ?? 0) + listed + rise + searches);
    });
    assert.ok(entries <= 400, `${entries} entries`);
    assert.equal(uses, entries);
    assert.deepEqual(new Set(sums.values()), new Set([500 * 9]));
    assert.equal(sums.size, 100);
  });
});
