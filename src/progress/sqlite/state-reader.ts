import { DatabaseSync } from 'node:sqlite';
import { reason, SamsaError } from '../../errors.ts';
import { decodePosition } from '../decode-position.ts';
import type { PartitionPosition } from '../progress.ts';
import { countDiscarded, countWaiting } from './dead-letters.ts';
import { isDamage, storeError } from '../../sqlite/errors.ts';
import { selectPosition } from './positions.ts';

type Connection = Pick<DatabaseSync, 'prepare'>;

/**
 * What stands in a state file, by projection, without joining in: for people who look at a shop from outside.
 * @throws SamsaError `store-damaged`, `data-folder-unusable` when the file cannot be read.
 */
export function readSqliteProgress(path: string): {
  readonly positions: ReadonlyMap<string, readonly PartitionPosition[]>;
  readonly deadLetters: ReadonlyMap<string, number>;
} {
  return reading(path, (connection) => {
    return { positions: readPositions(connection), deadLetters: countWaiting(connection) };
  });
}

/** Positions by projection, in the open transaction if there is one. */
export function readPositions(connection: Connection): ReadonlyMap<string, readonly PartitionPosition[]> {
  const rows = connection.prepare(`${selectPosition} ORDER BY projection, topic, partition`).all();
  const byProjection = Map.groupBy(rows, (row) => String(row['projection']));
  return new Map([...byProjection].map(([projection, of]) => [projection, of.map(decodePosition)]));
}

/**
 * What a state file says about one projection, and which others it holds, without joining in.
 * @throws SamsaError `store-damaged`, `data-folder-unusable` when the file cannot be read.
 */
export function lookInside(path: string, projection: string) {
  return reading(path, (connection) => {
    const versions = connection.prepare('SELECT name, version FROM projection').all();
    const instances = connection.prepare('SELECT instance FROM instance WHERE projection = ?').all(projection);
    return {
      positions: readPositions(connection).get(projection) ?? [],
      versions: new Map(versions.map(({ name, version }) => [String(name), Number(version)])),
      instances: instances.map(({ instance }) => String(instance)),
      discarded: countDiscarded(connection),
    };
  });
}

function reading<Result>(path: string, read: (connection: Connection) => Result): Result {
  try {
    const connection = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
    try {
      return read(connection);
    } finally {
      connection.close();
    }
  } catch (error) {
    if (isDamage(error)) throw storeError(path, error);
    throw new SamsaError('data-folder-unusable', `${path}: expected the state of a service, got: ${reason(error)}`, {
      cause: error,
    });
  }
}
