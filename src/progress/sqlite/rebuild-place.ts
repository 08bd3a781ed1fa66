import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { isInUse, placeSqliteFile, removeSqliteFile, replaceSqliteFile } from '../../sqlite/file.ts';
import type { RebuildPlace, ComparedTable, Difference, StateSnapshot } from '../state.ts';
import { countDiscarded } from '../dead-letters.ts';
import { runSteps } from '../../sqlite/run-steps.ts';
import { readPositionsByProjection } from '../positions.ts';
import { openForReading } from './state-reader.ts';

/** A file beside the live one. @see openRebuildPlace */
export function besideFile(path: string): RebuildPlace {
  const draft = `${path}.rebuild`;
  removeSqliteFile(draft);
  return {
    name: path,
    draft: { kind: 'sqlite', path: draft },
    isInUse: async () => existsSync(path) && isInUse(path),
    snapshot: async () => openStateSnapshot(path, draft, 5_000),
    replace: async (mayReplace) => {
      if (!existsSync(path)) {
        placeSqliteFile(path, draft);
        return null;
      }
      const keepAs = `${path}.before-rebuild`;
      replaceSqliteFile(path, { by: draft, keepAs, mayReplace: (old) => mayReplace(runSteps(old, countDiscarded())) });
      return keepAs;
    },
    close: async () => removeSqliteFile(draft),
  };
}

/** Compares two files, which blocks the thread. @throws SQLite's own error when one is not a state, or damaged. */
function openStateSnapshot(path: string, otherPath: string, busyTimeoutMs: number): StateSnapshot {
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
  // Rows that point to something already removed may be equal, although `rows` promises different ones. Then the
  // difference may be below 0.
  const onlyThere = Math.max(0, count(there, values) - (count(here, values) - onlyHere));
  return onlyHere === 0 && onlyThere === 0 ? null : { table: name, onlyHere, onlyThere };
}
