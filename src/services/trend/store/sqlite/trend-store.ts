import { EventEmitter } from 'node:events';
import { openSqlite, runSteps, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import type { Migrations } from '../../../../sqlite/migrations.ts';
import { storeError } from '../../../../sqlite/errors.ts';
import { createSqliteProgress, progressMigrations } from '../../../../progress/sqlite/progress.ts';
import type { ApplyChanges } from '../../../../progress/progress.ts';
import { createCountJournal, createSearchCounter } from './count-searches.ts';
import { createForgetting, refuseForgotten } from '../forget-old-counts.ts';
import { countReads, type RunSteps } from '../read-counts.ts';
import { sumTotals } from '../sum-totals.ts';
import type { TrendChange } from '../../trend-projection.ts';
import type { HourCount, TrendStore } from '../trend-store.ts';

type Row = readonly [hour: number, query: number, readers: number, anonymous: number, searches: number];

export const countsMigrations: Migrations = { name: 'trend', steps: new URL('migrations/', import.meta.url) };

const cacheKiB = 16_384;
/** A commit of four full reads blocks this thread for about 40 ms: docs/decisions/023. */
const readsPerCommit = 4;
/**
 * 16 MB. Every commit changes pages all over the table of distinct readers; with fewer checkpoints each page is written
 * less often.
 */
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
  const journal = createCountJournal(database);
  const events = new EventEmitter();
  let foreignVersion = database.dataVersion();
  let counted: readonly HourCount[] = [];

  /** Others may have counted and removed rows, so the numbers and increments remembered here are incomplete. */
  const noticeOthers = (): void => {
    const version = database.dataVersion();
    if (version === foreignVersion) return;
    foreignVersion = version;
    counter.forgetRemembered();
    journal.noticeOthers();
  };
  /** The journal gets what a transaction counted as soon as it is committed, before anything else can read totals. */
  const journaling: SqliteDatabase = {
    ...database,
    transaction: (body) => {
      counted = [];
      try {
        const result = database.transaction(body);
        journal.add(counted);
        if (counted.length > 0) events.emit('counted');
        return result;
      } catch (error) {
        counter.forgetRemembered();
        throw error;
      }
    },
  };
  const apply: ApplyChanges<TrendChange> = (changes, watermarkMs, occasion) => {
    noticeOthers();
    if (occasion === 'redriven') refuseForgotten(changes, watermarkMs);
    counted = counter.count(changes);
    journal.write(counted);
    if (runSteps(database, forgetting.steps(watermarkMs))) counter.forgetRemembered();
  };
  const progress = createSqliteProgress(journaling, clock, apply, readsPerCommit);
  // Rows are read as arrays, which is faster: there may be a million, and the thread does nothing else meanwhile.
  const allCounts = database.prepare(
    'SELECT hour, query, readers, anonymous, searches FROM hourly WHERE hour >= ? ORDER BY hour',
  );
  allCounts.setReturnArrays(true);
  const read = async <Result>(body: () => Result): Promise<Result> => {
    try {
      return body();
    } catch (error) {
      throw storeError(database.path, error);
    }
  };
  const run: RunSteps = (steps) => read(() => runSteps(database, steps()));

  return {
    ...progress,
    ...countReads('sqlite', run, run),
    counts: (fromHour, begin) =>
      read(() => {
        noticeOthers();
        const revision = journal.revision();
        const take = begin();
        for (const [hour, query, readers, anonymous, searches] of allCounts.iterate(fromHour) as unknown as Row[]) {
          take({ hour, query, readers, anonymous, searches });
        }
        return revision;
      }),
    countedSince: (revision) =>
      read(() => {
        noticeOthers();
        const since = journal.since(revision);
        return since === null ? null : { revision: journal.revision(), ...since };
      }),
    totals: (...hours) => sumTotals(run, ...hours),
    find: (key) =>
      read(() => {
        const id = database.prepare('SELECT id FROM query WHERE query_key = ?').get(key)?.['id'];
        return id === undefined ? null : Number(id);
      }),
    onCounted: (listener) => {
      events.on('counted', listener);
      return () => void events.off('counted', listener);
    },
    close: async () => database.close(),
  };
}
