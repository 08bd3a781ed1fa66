import { SamsaError } from '../../errors.ts';
import { decodePosition } from '../decode-position.ts';
import type { MysqlConnection } from '../../mysql/connection.ts';
import type { MysqlDatabase } from '../../mysql/pool.ts';
import { keepDeadLetters, readDeadLetters, readDiscardedOffsets, settleDeadLetter } from './dead-letters.ts';
import {
  checkVersion,
  databaseClock,
  instanceLock,
  leasePartitions,
  releasePartitions,
  type DatabaseClock,
} from './leases.ts';
import { endHolder, takeLock } from '../../mysql/locks.ts';
import type { Migrations } from '../../mysql/migrations.ts';
import {
  advance,
  atPartition,
  keepMarks,
  leasedPosition,
  moveOutOfDead,
  readRevision,
  selectPosition,
} from './positions.ts';
import type { PartitionName, Progress, StartingPoint } from '../progress.ts';

/** The tables of every projection in a MySQL database. */
export const progressMigrations: Migrations = {
  name: 'progress',
  folder: new URL('migrations/', import.meta.url),
};

/** What changes are applied to, inside the transaction that also moves the position. */
export type CommitContext = {
  readonly connection: MysqlConnection;
  readonly projection: string;
  /** The store's number for the partition; it means nothing elsewhere. */
  readonly positionId: number;
  /** How often this partition's changes have been applied, this time included: 1, 2, 3 … without a gap. */
  readonly revision: number;
  /** @see ApplyChanges */
  readonly watermarkMs: number;
  readonly occasion: 'read' | 'redriven';
};

/** What a state does inside a commit. It may run again after a rollback, so it keeps nothing in memory. */
export type ApplyToMysql<Change> = (changes: readonly Change[], context: CommitContext) => Promise<void>;

/** Producers silent for longer than any topic with marks keeps its records are forgotten. */
const markLifeMs = 400 * 86_400_000;

/**
 * Progress in the database that also holds the state. This process commits on one connection, one partition after
 * another; other processes commit beside it. Leases are measured with the database's own clock.
 */
export function createMysqlProgress<Change>(
  database: MysqlDatabase,
  apply: ApplyToMysql<Change>,
  clock: DatabaseClock = databaseClock,
): Progress<Change> {
  const session = database.session();
  /** Instances whose lock a connection holds. */
  const named = new WeakMap<MysqlConnection, Set<string>>();
  const nameConnection = async (connection: MysqlConnection, instance: string): Promise<void> => {
    const names = named.get(connection) ?? new Set();
    if (names.has(instance)) return;
    const lock = instanceLock(database.lockScope, instance);
    // Held by a connection of ours that is lost; the server may not know yet.
    if (!(await takeLock(connection, lock, 0))) {
      await endHolder(connection, lock);
      await takeLock(connection, lock, 1);
    }
    named.set(connection, names.add(instance));
  };

  return {
    lease: (request) => leasePartitions(database, clock, request),
    release: (projection, instance) => releasePartitions(database, projection, instance),
    load: (projection, partition) => load(database, clock, projection, partition),
    commit: (commit) =>
      session.transaction(async (connection) => {
        await nameConnection(connection, commit.instance);
        const positionId = await leasedPosition(connection, commit);
        if (positionId === null || !(await advance(connection, commit, positionId))) return false;
        await keepMarks(connection, commit, positionId);
        const { projection, topic, partition } = commit;
        const letters = commit.deadLetters.map((letter) => ({ ...letter, projection, topic, partition }));
        await keepDeadLetters(connection, letters, 'waiting', null);
        const state = await readRevision(connection, projection, positionId);
        await apply(commit.changes, { ...state, connection, projection, positionId, occasion: 'read' });
        return true;
      }),
    positions: (projection) =>
      database.connected(async (connection) => {
        const rows = await connection.rows(`${selectPosition} WHERE projection = ? ORDER BY topic, partition_no`, [
          projection,
        ]);
        return rows.map(decodePosition);
      }),
    deadLetters: (query) => database.connected((connection) => readDeadLetters(connection, query)),
    settle: (settlement) =>
      database.transaction(async (connection) => {
        await checkVersion(connection, database.name, settlement);
        if (!(await settleDeadLetter(connection, settlement, await clock(connection)))) return false;
        const { projection, become } = settlement;
        if (become.status !== 'redriven') return true;
        const positionId = await moveOutOfDead(connection, settlement, become.change === 'late' ? 'late' : 'applied');
        if (become.change === 'late') return true;
        const state = await readRevision(connection, projection, positionId);
        await apply([become.change], { ...state, connection, projection, positionId, occasion: 'redriven' });
        return true;
      }),
    adoptDiscarded: (letters) =>
      database.transaction(async (connection) =>
        keepDeadLetters(connection, letters, 'discarded', await clock(connection)),
      ),
  };
}

async function load(
  database: MysqlDatabase,
  clock: DatabaseClock,
  projection: string,
  { topic, partition }: PartitionName,
): Promise<StartingPoint> {
  return database.read(async (connection) => {
    const [row] = await connection.rows(`${selectPosition} WHERE ${atPartition}`, [projection, topic, partition]);
    if (row === undefined) {
      throw new SamsaError(
        'store-unavailable',
        `${database.name}: no position of ${projection} in ${topic}/${partition}`,
      );
    }
    const position = decodePosition(row);
    const marks = await connection.rows(
      'SELECT source, last_sequence FROM state.mark WHERE position_id = ? AND arrived_ms > ?',
      [Number(row['id']), (await clock(connection)) - markLifeMs],
    );
    return {
      ...position,
      marks: new Map(marks.map((mark) => [String(mark['source']), Number(mark['last_sequence'])])),
      discarded: await readDiscardedOffsets(connection, projection, position),
    };
  });
}
