import { openSqlite, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import { runSteps } from '../../../../sqlite/run-steps.ts';
import { storeError } from '../../../../sqlite/errors.ts';
import { createSqliteProgress, progressMigrations } from '../../../../progress/sqlite/progress.ts';
import { createSearchCounter } from './count-searches.ts';
import { countsMigrations } from './schema.ts';
import { createCountJournal } from './commit-journal.ts';
import { createForgetting } from '../forget-old-counts.ts';
import { refuseForgotten } from '../../counting/kept-counts.ts';
import { readDays, readDescriptions, readTotals } from '../read-counts.ts';
import type { CountedSearch } from '../../trend-projection.ts';
import type { HourCount, TrendStore } from '../trend-store.ts';

const cacheKiB = 16_384;
/** 16 MB: every commit changes pages all over the distinct readers; fewer checkpoints write each of them less often. */
const checkpointPages = 4_000;

/**
 * Counts in one SQLite file. Several processes may share it.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export function openSqliteTrendStore(
  path: string,
  options: { readonly clock: () => number; readonly busyTimeoutMs: number; readonly checkpointedElsewhere?: boolean },
): TrendStore {
  const { busyTimeoutMs, clock, checkpointedElsewhere = false } = options;
  const migrations = [progressMigrations, countsMigrations];
  const countedTogether = ['progress', 'trend', 'progress', 'trend'];
  const database = openSqlite(path, { migrations, countedTogether, busyTimeoutMs, cacheKiB, checkpointedElsewhere });
  if (!checkpointedElsewhere) database.prepare(`PRAGMA wal_autocheckpoint = ${checkpointPages}`).get();
  return createSqliteTrendStore(database, clock);
}

export function createSqliteTrendStore(database: SqliteDatabase, clock: () => number): TrendStore {
  const counter = createSearchCounter(database);
  const forgetting = createForgetting('sqlite');
  const journal = createCountJournal();
  let foreignVersion = database.dataVersion();
  let counted: readonly HourCount[] = [];

  /** Others may have counted and removed rows: numbers and increments known here are no longer all there is. */
  const noticeOthers = (): void => {
    const version = database.dataVersion();
    if (version === foreignVersion) return;
    foreignVersion = version;
    counter.forgetRemembered();
    journal.lose();
  };
  /** The journal gets what a transaction counted as soon as it is committed, before anybody can read totals again. */
  const journaling: SqliteDatabase = {
    ...database,
    transaction: (body) => {
      counted = [];
      try {
        const result = database.transaction(body);
        journal.add(counted);
        return result;
      } catch (error) {
        counter.forgetRemembered();
        throw error;
      }
    },
  };
  const progress = createSqliteProgress<CountedSearch>(journaling, clock, (searches, watermarkMs, occasion) => {
    noticeOthers();
    if (occasion === 'redriven') refuseForgotten(searches, watermarkMs);
    counted = counter.count(searches);
    if (runSteps(database, forgetting.steps(watermarkMs))) counter.forgetRemembered();
  });
  const read = async <Result>(body: () => Result): Promise<Result> => {
    try {
      return body();
    } catch (error) {
      throw storeError(database.path, error);
    }
  };

  return {
    ...progress,
    totals: (fromHour) =>
      read(() => {
        noticeOthers();
        return { revision: journal.revision(), totals: runSteps(database, readTotals(fromHour)) };
      }),
    countedSince: (revision) =>
      read(() => {
        noticeOthers();
        const counts = journal.since(revision);
        return counts === null ? null : { revision: journal.revision(), counts };
      }),
    describe: (queries, fromHour) => read(() => runSteps(database, readDescriptions('sqlite', queries, fromHour))),
    find: (key) =>
      read(() => {
        const id = database.prepare('SELECT id FROM query WHERE query_key = ?').get(key)?.['id'];
        return id === undefined ? null : Number(id);
      }),
    daily: (query, fromDay) => read(() => runSteps(database, readDays(query, fromDay))),
    close: async () => database.close(),
  };
}
