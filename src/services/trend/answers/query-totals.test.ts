import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createRecentTotals } from './query-totals.ts';
import type { CountedSearch } from '../trend-projection.ts';
import type { TrendStore } from '../store/trend-store.ts';
import { openSqliteTrendStore } from '../store/sqlite/trend-store.ts';

const hour = 500_000;
const nothing = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };

function search(query: string, reader: number): CountedSearch {
  const time = hour * 3_600_000;
  return {
    queryKey: query,
    label: query,
    hour,
    reader,
    anonymous: false,
    time,
    corrected: null,
    books: Buffer.from('[]'),
  };
}

describe('totals kept in memory', () => {
  let folder = '';
  let store: TrendStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'samsa-totals-'));
    store = openSqliteTrendStore(join(folder, 'trend.sqlite'), { clock: () => 0, busyTimeoutMs: 1_000 });
    const partitions = [0, 1].map((partition) => ({ topic: 't', partition, topicId: 'i', start: 0, end: 9 }));
    await store.lease({ projection: 'p', version: 1, instance: 'a', ttlMs: 1_000, partitions });
  });

  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  const count = (partition: number, query: string): Promise<boolean> =>
    store.commit({
      topic: 't',
      partition,
      projection: 'p',
      instance: 'a',
      expected: 0,
      next: 1,
      end: 9,
      arrivedMs: hour * 3_600_000,
      fingerprint: null,
      outcomes: { ...nothing, applied: 1 },
      changes: [search(query, 1)],
      deadLetters: [],
      marks: new Map(),
    });

  it('have every search once when two partitions are committed at once', async () => {
    const totals = createRecentTotals(store);
    await totals.refresh(hour);
    assert.deepEqual(await Promise.all([count(0, 'emma'), count(1, 'persuasion')]), [true, true]);
    await totals.refresh(hour);
    assert.deepEqual(
      [...totals.totals()].map(({ key, readers, searches }) => [key, readers, searches]),
      [
        ['emma', 1, 1],
        ['persuasion', 1, 1],
      ],
    );
  });
});
