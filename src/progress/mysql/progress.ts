import { databaseTime, type DatabaseClock, type MysqlConnection } from '../../mysql/connection.ts';

import { endHolder, lockName, oneAtATime, takeLock } from '../../mysql/locks.ts';
import type { Migrations } from '../../mysql/migrations.ts';
import type { MysqlDatabase } from '../../mysql/database.ts';
import { runSteps, inTransaction } from '../../mysql/transaction.ts';
import type { ProgressStore } from '../dead-letter-book.ts';
import { keepDeadLetters, readDeadLetters, settleDeadLetter } from '../dead-letter-rows.ts';
import { leasedTo, release, tick } from '../leases.ts';
import { advance, loadPosition, moveOutOfDead, readPositions, type CommitPoint } from '../positions.ts';
import type { LeaseRequest, PartitionName } from '../progress.ts';

/** The tables of every projection in a MySQL database. */
export const progressMigrations: Migrations = { name: 'progress', folder: new URL('migrations/', import.meta.url) };

/** What changes are applied to, inside the transaction that also moves the position. */
export type CommitContext = CommitPoint & {
  readonly connection: MysqlConnection;
  /** @see ApplyChanges */
  readonly occasion: 'read' | 'redriven';
};

/** What a state does inside a commit. It may run again after a rollback, so it keeps nothing in memory. */
export type ApplyToMysql<Change> = (changes: readonly Change[], context: CommitContext) => Promise<void>;

/**
 * Progress in the database that also holds the state. This process commits on one connection, one partition after
 * another; other processes commit beside it. Leases are measured with the clock of the database.
 */
export function createMysqlProgress<Change>(
  database: MysqlDatabase,
  apply: ApplyToMysql<Change>,
  clock: DatabaseClock = databaseTime,
): ProgressStore<Change> {
  const { name: stateName, lockScope } = database;
  const session = database.session();
  const holdInstanceLock = createInstanceLocks(lockScope);
  return {
    readsPerCommit: 8,
    lease: (request) => leasePartitions(database, clock, request),
    release: (projection, instance) =>
      underLeasesLock(database, projection, 2_000, (connection) =>
        inTransaction(connection, 'write', () => runSteps(connection, release(projection, instance))),
      ),
    load: (projection, partition) =>
      database.read((connection) => runSteps(connection, loadPosition(stateName, projection, partition))),
    commit: (commit) =>
      session.transaction(
        async (connection) => {
          const point = await runSteps(connection, advance(commit));
          if (point === null) return false;
          await apply(commit.changes, { ...point, connection, occasion: 'read' });
          return true;
        },
        (connection) => holdInstanceLock(connection, commit.instance),
      ),
    positions: (projection) => database.connected((connection) => runSteps(connection, readPositions(projection))),
    deadLetters: (query) => database.connected((connection) => runSteps(connection, readDeadLetters(query))),
    settle: (settlement) =>
      database.transaction(async (connection) => {
        const nowMs = await clock(connection);
        if (!(await runSteps(connection, settleDeadLetter(stateName, settlement, nowMs)))) return false;
        const { become } = settlement;
        if (become.status !== 'redriven') return true;
        const outcome = become.change === 'late' ? 'late' : 'applied';
        const point = await runSteps(connection, moveOutOfDead(settlement, outcome));
        if (become.change !== 'late') await apply([become.change], { ...point, connection, occasion: 'redriven' });
        return true;
      }),
    adoptDiscarded: (letters) =>
      database.transaction(async (connection) =>
        runSteps(connection, keepDeadLetters(letters, 'discarded', await clock(connection))),
      ),
  };
}

/**
 * The lock an instance holds on the connection it commits on. An instance that claims an expired lease ends the
 * connection that holds the former owner's lock: it may be frozen inside a commit, with rows that others wait for.
 */
export function instanceLock(lockScope: string, instance: string): string {
  return lockName(lockScope, 'instance', instance);
}

/** The lock under which the leases of a projection are changed. */
export function leasesLock(lockScope: string, projection: string): string {
  return lockName(lockScope, 'leases', projection);
}

function createInstanceLocks(lockScope: string): (connection: MysqlConnection, instance: string) => Promise<void> {
  const heldBy = new WeakMap<MysqlConnection, Set<string>>();
  return async (connection, instance) => {
    const held = heldBy.get(connection) ?? new Set();
    if (held.has(instance)) return;
    const lock = instanceLock(lockScope, instance);
    // The server may not know yet that an earlier connection of this process is lost, which still holds the lock.
    if (!(await takeLock(connection, lock, 0))) {
      await endHolder(connection, lock);
      await takeLock(connection, lock, 1);
    }
    heldBy.set(connection, held.add(instance));
  };
}

async function leasePartitions(
  database: MysqlDatabase,
  clock: DatabaseClock,
  request: LeaseRequest,
): Promise<readonly PartitionName[]> {
  const { projection, ttlMs, instance } = request;
  return underLeasesLock(database, projection, ttlMs, async (connection) => {
    const ticked = await inTransaction(connection, 'write', async () =>
      runSteps(connection, tick(database.name, request, await clock(connection))),
    );
    const { before, after } = ticked;
    const formerOwners = before.filter((lease, index) => lease.instance !== after[index]!.instance);
    for (const owner of new Set(formerOwners.map((lease) => lease.instance))) {
      if (owner !== null && owner !== instance) await endHolder(connection, instanceLock(database.lockScope, owner));
    }
    return leasedTo(instance, ticked);
  });
}

/**
 * A tick takes milliseconds. An instance that holds the lock for longer than a lease is frozen: its connection is
 * ended.
 */
async function underLeasesLock<Result>(
  database: MysqlDatabase,
  projection: string,
  ttlMs: number,
  body: (connection: MysqlConnection) => Promise<Result>,
): Promise<Result> {
  const lock = leasesLock(database.lockScope, projection);
  const waitSeconds = Math.min(5, Math.ceil(ttlMs / 1_000));
  const what = `${database.name}: the leases of ${projection} are`;
  return database.connected((connection) =>
    oneAtATime(connection, { lock, waitSeconds, what }, () => body(connection)),
  );
}
