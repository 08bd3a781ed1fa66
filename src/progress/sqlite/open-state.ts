import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { reason, SamsaError } from '../../errors.ts';
import { isDamage, storeError } from '../../sqlite/errors.ts';
import { isInUse, placeSqliteFile, removeSqliteFile, replaceSqliteFile } from '../../sqlite/file.ts';
import { runSteps } from '../../sqlite/connection.ts';
import type { Steps } from '../../sql/statements.ts';
import { countDiscarded, readDeadLetters } from '../dead-letter-rows.ts';
import { readPositionsByProjection } from '../positions.ts';
import {
  lookInside,
  readInstances,
  readProgress,
  type ComparedTable,
  type Difference,
  type StateDraft,
  type StateReader,
  type StateSnapshot,
} from '../state.ts';

/** @throws SamsaError only when it reads: `store-damaged`, `data-folder-unusable` when the file cannot be read. */
export function openSqliteStateReader(path: string): StateReader {
  const read = async <Result>(steps: Steps<Result>): Promise<Result> => {
    try {
      const connection = openForReading(path, 1_000);
      try {
        return runSteps(connection, steps);
      } finally {
        connection.close();
      }
    } catch (error) {
      if (isDamage(error)) throw storeError(path, error);
      throw new SamsaError('data-folder-unusable', `${path}: expected the state of a service, got: ${reason(error)}`, {
        cause: error,
      });
    }
  };
  return {
    progress: () => read(readProgress()),
    inside: async (projection) => {
      const seen = await read(readInstances(projection));
      return { ...(await read(lookInside(projection))), instances: seen.map(({ instance }) => instance) };
    },
    deadLetters: (query) => read(readDeadLetters(query)),
    close: async () => {},
  };
}

/** A file of an older program is not changed, but read through views with today's names. */
export function openForReading(path: string, busyTimeoutMs: number): DatabaseSync {
  const connection = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  const columns = connection.prepare("SELECT name FROM pragma_table_info('position')").all();
  if (columns.some(({ name }) => name === 'partition')) connection.exec(todaysNames);
  return connection;
}

const todaysNames = `
  CREATE TEMP VIEW position AS
    SELECT row_number() OVER (ORDER BY projection, topic, partition) AS id, projection, topic,
      partition AS partition_no, topic_id, first AS first_offset, next AS next_offset, log_end, arrived_ms, fingerprint,
      applied, duplicate, dead, late, gap, compacted, instance AS owner, leased_until_ms
    FROM main.position;
  CREATE TEMP VIEW lease AS
    SELECT id AS position_id, owner AS instance, leased_until_ms, 0 AS seen_end FROM temp.position;
  CREATE TEMP VIEW dead_letter AS
    SELECT id, projection, topic, partition AS partition_no, log_offset, arrived_ms, key AS record_key,
      value AS record_value, headers, cause, reason, status, settled_ms
    FROM main.dead_letter;
`;

/** A file beside the live one. @see openStateDraft */
export function openSqliteDraft(path: string): StateDraft {
  const draft = `${path}.rebuild`;
  removeSqliteFile(draft);
  return {
    name: path,
    location: { kind: 'sqlite', path: draft },
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
