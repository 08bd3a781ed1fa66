import type { TestContext } from 'node:test';
import { createPrivacyRule } from '../../src/services/trend/answers/privacy.ts';
import { createRecentCounts } from '../../src/services/trend/answers/recent-counts.ts';
import { createTrendList, type TrendList } from '../../src/services/trend/answers/trend-list.ts';
import type { Window } from '../../src/services/trend/hours.ts';
import type { TrendStore } from '../../src/services/trend/store/trend-store.ts';
import type { CountedSearch } from '../../src/services/trend/trend-projection.ts';
import { hourMs } from '../../src/runtime/time.ts';
import { noonMs, searchOf } from './count-searches.ts';
import { openCountedStore } from './open-counted-store.ts';

/** The list of one instance. Three readers are enough for any query. */
export function openList(store: TrendStore, clock: () => number, monotonicMs?: () => number): TrendList {
  return createTrendList({
    store,
    recent: createRecentCounts(store),
    clock,
    ...(monotonicMs !== undefined && { nowMs: monotonicMs }),
    privacyRule: createPrivacyRule({ minimumReaders: 3, blockedWords: [], isPublic: () => false }),
  });
}

/** A list over a new store, at noon. */
export async function openTrends(
  test: TestContext,
  around: (store: TrendStore) => TrendStore = (store) => store,
  monotonicMs?: () => number,
) {
  const opened = await openCountedStore(test);
  let nowMs = noonMs;
  const trends = openList(around(opened.store), () => nowMs, monotonicMs);
  const list = (limit: number, window?: Window) => trends.list(limit, window, true);
  return { ...opened, ...trends, trends, list, passHours: (hours: number) => void (nowMs += hours * hourMs) };
}

/** A search for a book by a name that is a word of its title, so that it may be shown. */
export const shown = (query: string, reader: string | null, hoursAgo = 0): CountedSearch =>
  searchOf(query, reader, {
    time: noonMs - hoursAgo * hourMs,
    books: [{ id: bookOf(query), title: query, author: 'Somebody' }],
    anonymous: reader === null,
  });

/** Every query finds another book. */
export const bookOf = (query: string): number => Buffer.from(query).reduce((sum, byte) => (sum * 31 + byte) % 1e9, 1);

/** Searches of the week that ended 24 hours ago, so many a day, each by another reader. */
export const week = (query: string, aDay: number): readonly CountedSearch[] =>
  Array.from({ length: 8 * aDay }, (_, at) => shown(query, `r${at}`, 24 + Math.floor((at * 24) / aDay)));

/** A week in which nine queries were searched by twelve readers a day. */
export const busyWeek = (): readonly CountedSearch[] =>
  Array.from({ length: 9 }, (_, at) => week(`steady ${at}`, 12)).flat();
