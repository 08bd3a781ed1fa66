import { DatabaseSync } from 'node:sqlite';
import type { PartitionPosition } from '../progress.ts';
import { readPositions } from './state-reader.ts';

/** A table of a state as both should have it, without what depends on the order in which events came. */
export type ComparedTable = {
  readonly name: string;
  /** A query whose rows are all different, reading from this schema; for MySQL it gives `rowText` alone. */
  readonly rows: (schema: string) => string;
  readonly values: readonly number[];
};

export type Difference = { readonly table: string; readonly onlyHere: number; readonly onlyThere: number };

/**
 * One moment of a state, which others may go on writing to, beside another state as it is when it is compared. What a
 * database keeps for the first moment only grows until `close`.
 */
export type StateSnapshot = {
  readonly positions: (projection: string) => readonly PartitionPosition[];
  /** Rows that only one of both has; a changed row counts on both sides. */
  readonly differences: (tables: readonly ComparedTable[]) => Promise<readonly Difference[]>;
  readonly close: () => Promise<void>;
};

/** Of two files. Comparing blocks for as long as it takes. @throws SQLite's own error when one is no state, or damaged. */
export function openStateSnapshot(path: string, otherPath: string, busyTimeoutMs: number): StateSnapshot {
  const connection = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  try {
    connection.prepare('ATTACH ? AS other').run(otherPath);
    connection.exec('BEGIN');
    const positions = readPositions(connection);
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
  // Rows that name what is no longer there may be alike, against the promise.
  const onlyThere = Math.max(0, count(there, values) - (count(here, values) - onlyHere));
  return onlyHere === 0 && onlyThere === 0 ? null : { table: name, onlyHere, onlyThere };
}
