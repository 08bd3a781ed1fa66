import { EventEmitter } from 'node:events';
import type { MysqlAddress } from '../../../../mysql/connection.ts';
import { openMysql, type MysqlDatabase, type MysqlOptions } from '../../../../mysql/database.ts';
import type { Migrations } from '../../../../mysql/migrations.ts';
import { runSteps } from '../../../../mysql/transaction.ts';
import { createMysqlProgress, progressMigrations } from '../../../../progress/mysql/progress.ts';
import { countSearches, readCountedSince, readSeen, type Seen } from './count-searches.ts';
import { createQueryLocks } from './queries.ts';
import { createForgetting, refuseForgotten } from '../forget-old-counts.ts';
import { keyHash } from '../tables.ts';
import { countReads, readHour, readHours, type RunSteps } from '../read-counts.ts';
import { sumTotals } from '../sum-totals.ts';
import type { TrendChange } from '../../trend-projection.ts';
import type { TrendStore } from '../trend-store.ts';

const countsMigrations: Migrations = { name: 'trend', folder: new URL('migrations/', import.meta.url) };

/** For how many past revisions `countedSince` has an answer. */
const rememberedRevisions = 100;

/**
 * Counts in a MySQL or MariaDB database, shared by all instances.
 * @throws SamsaError as `openMysql` does.
 */
export async function openMysqlTrendStore(
  address: MysqlAddress,
  { onProblem }: Pick<MysqlOptions, 'onProblem'> = {},
): Promise<TrendStore> {
  const migrations = [progressMigrations, countsMigrations];
  return createMysqlTrendStore(await openMysql(address, { migrations, onProblem }));
}

function createMysqlTrendStore(database: MysqlDatabase): TrendStore {
  const forgetting = createForgetting('mysql');
  const queries = createQueryLocks();
  const progress = createMysqlProgress<TrendChange>(database, async (changes, context) => {
    if (context.occasion === 'redriven') refuseForgotten(changes, context.watermarkMs);
    await countSearches(changes, context, queries);
    await runSteps(context.connection, forgetting.steps(context.watermarkMs));
  });
  const revisions = createRevisions();
  const events = new EventEmitter();
  const together: RunSteps = (steps) => database.read((connection) => runSteps(connection, steps()));
  const single: RunSteps = (steps) => database.connected((connection) => runSteps(connection, steps()));

  return {
    ...progress,
    ...countReads('mysql', together, single),
    commit: async (commit) => {
      const committed = await progress.commit(commit);
      if (committed && commit.changes.length > 0) events.emit('counted');
      return committed;
    },
    counts: (fromHour, begin) =>
      database.read(async (connection) => {
        const take = begin();
        const seen = await readSeen(connection);
        for (const hour of await runSteps(connection, readHours(fromHour))) {
          for (const count of await runSteps(connection, readHour(hour))) take(count);
        }
        return revisions.numberOf(seen);
      }),
    countedSince: async (revision) => {
      const seen = revisions.get(revision);
      if (seen === undefined) return null;
      const since = await database.connected((connection) => readCountedSince(connection, seen));
      return since === null
        ? null
        : { revision: revisions.numberOf(since.seen), counts: since.counts, replacedHours: [] };
    },
    totals: (...hours) => sumTotals(single, ...hours),
    find: (key) =>
      database.connected(async (connection) => {
        const [row] = await connection.rows('SELECT id FROM state.query WHERE key_hash = ?', [keyHash(key)]);
        return row === undefined ? null : Number(row['id']);
      }),
    onCounted: (listener) => {
      events.on('counted', listener);
      return () => void events.off('counted', listener);
    },
    close: database.close,
  };
}

/**
 * Gives a number to each set of commits that was seen. There is no single counter, because instances commit to
 * different partitions.
 */
function createRevisions() {
  const seenByNumber = new Map<number, Seen>();
  let last = 0;
  return {
    get: (revision: number): Seen | undefined => seenByNumber.get(revision),
    numberOf: (seen: Seen): number => {
      const latest = seenByNumber.get(last);
      if (latest !== undefined && isSame(latest, seen)) return last;
      seenByNumber.set(++last, seen);
      seenByNumber.delete(last - rememberedRevisions);
      return last;
    },
  };
}

function isSame(one: Seen, other: Seen): boolean {
  return one.size === other.size && [...one].every(([positionId, revision]) => other.get(positionId) === revision);
}
