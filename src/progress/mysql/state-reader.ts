import { decodePosition } from '../decode-position.ts';
import { openConnection, type MysqlAddress, type MysqlConnection } from '../../mysql/connection.ts';
import { readDeadLetters } from './dead-letters.ts';
import { isUnknownTable, mysqlError } from '../../mysql/errors.ts';
import { databaseClock, instanceLock } from './leases.ts';
import { isTaken, lockScopeOf } from '../../mysql/locks.ts';
import { selectPosition } from './positions.ts';
import type { PartitionPosition } from '../progress.ts';
import type { StateInside, StateReader } from '../state-reader.ts';
import { databaseName } from '../store-location.ts';

const timeoutMs = 60_000;
/** Longer than any lease lasts. */
const seenWithinMs = 10_000;

/** On a connection of its own, without making or changing tables. @see openStateReader */
export async function openMysqlStateReader(address: MysqlAddress): Promise<StateReader | null> {
  const name = databaseName(address);
  const ours = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work;
    } catch (error) {
      throw mysqlError(name, error);
    }
  };
  const connection = await ours(openConnection(address, timeoutMs));
  if (!(await ours(hasState(connection)))) {
    await connection.quit();
    return null;
  }
  return {
    progress: () =>
      ours(
        (async () => ({
          positions: await readPositions(connection),
          deadLetters: await readCounts(
            connection,
            "SELECT projection AS name, COUNT(*) AS n FROM state.dead_letter WHERE status = 'waiting' GROUP BY projection",
          ),
        }))(),
      ),
    inside: (projection) => ours(lookInside(connection, lockScopeOf(address), projection)),
    deadLetters: (query) => ours(readDeadLetters(connection, query)),
    close: connection.quit,
  };
}

/** Whether anybody has kept a state under the prefix of this connection. */
export async function hasState(connection: MysqlConnection): Promise<boolean> {
  try {
    await connection.rows('SELECT 1 FROM state.dead_letter LIMIT 1');
    return true;
  } catch (error) {
    if (isUnknownTable(error)) return false;
    throw error;
  }
}

/** All positions by projection. */
export async function readPositions(
  connection: MysqlConnection,
): Promise<ReadonlyMap<string, readonly PartitionPosition[]>> {
  const rows = await connection.rows(`${selectPosition} ORDER BY projection, topic, partition_no`);
  const byProjection = Map.groupBy(rows, (row) => String(row['projection']));
  return new Map([...byProjection].map(([projection, of]) => [projection, of.map(decodePosition)]));
}

/** Who reads into a projection's state: was seen a moment ago, or still has the connection it commits on, frozen or not. */
export async function readInstances(
  connection: MysqlConnection,
  lockScope: string,
  projection: string,
): Promise<readonly string[]> {
  const rows = await connection.rows('SELECT instance, seen_ms FROM state.instance WHERE projection = ?', [projection]);
  const seenSinceMs = (await databaseClock(connection)) - seenWithinMs;
  const reading: string[] = [];
  for (const row of rows) {
    const instance = String(row['instance']);
    const isSeen = Number(row['seen_ms']) > seenSinceMs;
    if (isSeen || (await isTaken(connection, instanceLock(lockScope, instance)))) reading.push(instance);
  }
  return reading;
}

/** How many dead letters were discarded, of all projections: decisions are never taken back. */
export async function countDiscarded(connection: MysqlConnection): Promise<number> {
  const [row] = await connection.rows("SELECT COUNT(*) AS n FROM state.dead_letter WHERE status = 'discarded'");
  return Number(row?.['n']);
}

async function lookInside(connection: MysqlConnection, lockScope: string, projection: string): Promise<StateInside> {
  return {
    positions: (await readPositions(connection)).get(projection) ?? [],
    versions: await readCounts(connection, 'SELECT name, version AS n FROM state.projection'),
    instances: await readInstances(connection, lockScope, projection),
    discarded: await countDiscarded(connection),
  };
}

async function readCounts(connection: MysqlConnection, sql: string): Promise<ReadonlyMap<string, number>> {
  const rows = await connection.rows(sql);
  return new Map(rows.map((row) => [String(row['name']), Number(row['n'])]));
}
