import type { DatabaseSync } from 'node:sqlite';
import { runSteps } from '../../sqlite/run-steps.ts';
import { readPositionsByProjection } from '../positions.ts';
import type { ComparedTable, Difference, StateSnapshot } from '../rebuild/rebuild-place.ts';
import { openForReading } from './state-reader.ts';

/** Compares two files, which blocks the thread. @throws SQLite's own error when one is not a state, or damaged. */
export function openStateSnapshot(path: string, otherPath: string, busyTimeoutMs: number): StateSnapshot {
  const connection = openForReading(path, busyTimeoutMs);
  try {
    connection.prepare('ATTACH ? AS other').run(otherPath);
    connection.exec('BEGIN');
    const positions = runSteps(connection, readPositionsByProjection());
    return {
      positions: (projection) => positions.get(projection) ?? [],
      differences: async (tables) =>
        tables.map((table) => differenceIn(connection, table)).filter((found) => found !== null),
      close: async () => connection.close(),
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function differenceIn(connection: DatabaseSync, { name, rows, values }: ComparedTable): Difference | null {
  const count = (sql: string, given: readonly number[]): number =>
    Number(connection.prepare(`SELECT count(*) AS n FROM (${sql})`).get(...given)?.['n']);
  const [here, there] = [rows('main'), rows('other')];
  const onlyHere = count(`${here} EXCEPT ${there}`, [...values, ...values]);
  // Rows that name something already removed may be equal, against the promise, so the difference may be below 0.
  const onlyThere = Math.max(0, count(there, values) - (count(here, values) - onlyHere));
  return onlyHere === 0 && onlyThere === 0 ? null : { table: name, onlyHere, onlyThere };
}
