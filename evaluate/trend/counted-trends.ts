import { join } from 'node:path';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import type { StoredRecord } from '../../src/events/record.ts';
import { createPrivacyRule } from '../../src/services/trend/answers/privacy.ts';
import { createRecentCounts } from '../../src/services/trend/answers/recent-counts.ts';
import { createTrendList } from '../../src/services/trend/answers/trend-list.ts';
import { openSqliteTrendStore } from '../../src/services/trend/store/sqlite/trend-store.ts';
import { createTrendProjection, type TrendChange } from '../../src/services/trend/trend-projection.ts';
import type { Search } from './simulation.ts';

const topic = 'lr-book-searches';
const name = 'evaluation';
const perCommit = 2_000;
const secondMs = 1_000;

/** The trend service's own projection, store and list, without a log: searches are folded and committed as they come. */
export async function openCountedTrends() {
  const folder = makeTemporaryFolder();
  let nowMs = 0;
  const store = openSqliteTrendStore(join(folder, 'trend.sqlite'), { clock: () => nowMs, busyTimeoutMs: 1_000 });
  const projection = createTrendProjection(name, { searches: topic });
  const { fold } = projection.reads[0]!;
  const partitions = [{ topic, partition: 0, topicId: name, start: 0, end: 0 }];
  await store.lease({ projection: name, version: projection.version, instance: name, ttlMs: 1e15, partitions });
  const trends = createTrendList({
    store,
    recent: createRecentCounts(store),
    clock: () => nowMs,
    privacyRule: createPrivacyRule({ minimumReaders: 10, blockedWords: [], isPublic: () => false }),
  });
  const values = new Map<string, Buffer>();
  let offset = 0;

  const recordOf = ({ reader, query, second }: Search): StoredRecord => {
    let value = values.get(query);
    if (value === undefined) {
      value = Buffer.from(JSON.stringify([{ id: values.size + 1, title: query, author: 'Somebody' }]));
      values.set(query, value);
    }
    const at = { topic, partition: 0, offset: offset++, timestamp: second * secondMs };
    return { ...at, key: Buffer.from(`${query}:${reader}`), value, headers: [] };
  };

  const commit = async (searches: readonly Search[]): Promise<void> => {
    const expected = offset;
    const records = searches.map(recordOf);
    const changes = records.map(fold).filter((change): change is TrendChange => change !== 'late');
    const late = records.length - changes.length;
    await store.commit({
      topic,
      partition: 0,
      projection: name,
      instance: name,
      expected,
      next: offset,
      end: offset,
      arrivedMs: records.at(-1)!.timestamp,
      fingerprint: null,
      outcomes: { applied: changes.length, duplicate: 0, dead: 0, late, gap: 0, compacted: 0 },
      changes,
      deadLetters: [],
      marks: new Map(),
    });
  };

  return {
    count: async (searches: readonly Search[]): Promise<void> => {
      for (let from = 0; from < searches.length; from += perCommit)
        await commit(searches.slice(from, from + perCommit));
    },
    /** The queries that are said to rise then, first ones first; at most 100. */
    risingAt: async (second: number): Promise<readonly string[]> => {
      nowMs = second * secondMs;
      const listed = await trends.list(100, null, true);
      return listed.flatMap(({ kind, query }) => (kind === 'rising' ? [query] : []));
    },
    close: store.close,
  };
}
