import { runSteps, type SqliteDatabase } from '../../sqlite/connection.ts';
import type { Migrations } from '../../sqlite/migrations.ts';
import type { ProgressStore } from '../dead-letter-book.ts';
import { keepDeadLetters, readDeadLetters, settleDeadLetter } from '../dead-letter-rows.ts';
import { leasedTo, release, tick } from '../leases.ts';
import { advance, loadPosition, moveOutOfDead, readPositions } from '../positions.ts';
import type { ApplyChanges } from '../progress.ts';

/** The tables of every projection in a SQLite file. */
export const progressMigrations: Migrations = { name: 'progress', steps: new URL('migrations/', import.meta.url) };

/**
 * Progress in the SQLite file that also holds the state; `apply` writes the state inside each commit.
 * @param readsPerCommit see `Progress.readsPerCommit`; this thread is blocked while all of it is applied.
 */
export function createSqliteProgress<Change>(
  database: SqliteDatabase,
  clock: () => number,
  apply: ApplyChanges<Change>,
  readsPerCommit = 1,
): ProgressStore<Change> {
  const stateName = database.path;
  return {
    readsPerCommit,
    lease: async (request) =>
      database.transaction(() => leasedTo(request.instance, runSteps(database, tick(stateName, request, clock())))),
    release: async (projection, instance) =>
      database.transaction(() => runSteps(database, release(projection, instance))),
    load: async (projection, partition) => runSteps(database, loadPosition(stateName, projection, partition)),
    commit: async (commit) =>
      database.transaction(() => {
        const point = runSteps(database, advance(commit));
        if (point === null) return false;
        apply(commit.changes, point.watermarkMs, 'read');
        return true;
      }),
    positions: async (projection) => runSteps(database, readPositions(projection)),
    deadLetters: async (query) => runSteps(database, readDeadLetters(query)),
    settle: async (settlement) =>
      database.transaction(() => {
        if (!runSteps(database, settleDeadLetter(stateName, settlement, clock()))) return false;
        const { become } = settlement;
        if (become.status !== 'redriven') return true;
        const outcome = become.change === 'late' ? 'late' : 'applied';
        const { watermarkMs } = runSteps(database, moveOutOfDead(settlement, outcome));
        if (become.change !== 'late') apply([become.change], watermarkMs, 'redriven');
        return true;
      }),
    adoptDiscarded: async (letters) =>
      database.transaction(() => runSteps(database, keepDeadLetters(letters, 'discarded', clock()))),
  };
}
