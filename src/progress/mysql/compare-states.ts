import type { Dialect } from '../../sql/statements.ts';
import type { MysqlConnection, OwnedConnection } from '../../mysql/connection.ts';
import { runSteps } from '../../mysql/run-steps.ts';
import { startSnapshot } from '../../mysql/transaction.ts';
import { readPositionsByProjection } from '../positions.ts';
import type { ComparedTable, Difference, StateSnapshot } from '../rebuild/rebuild-place.ts';

/**
 * Compares one moment of a state with another state, each under its connection's prefix. The server hashes the rows, and
 * only sums of hashes are sent here; where the sums differ, the hashes.
 * @param live the snapshot is its transaction and ends with the connection.
 */
export async function openMysqlSnapshot(live: OwnedConnection, draft: MysqlConnection): Promise<StateSnapshot> {
  await startSnapshot(live);
  const positions = await runSteps(live, readPositionsByProjection());
  return {
    positions: (projection) => positions.get(projection) ?? [],
    differences: async (tables) => {
      const found: Difference[] = [];
      for (const table of tables) {
        const difference = await differenceIn(hashesIn(live), hashesIn(draft), table);
        if (difference !== null) found.push(difference);
      }
      return found;
    },
    close: live.quit,
  };
}

/** Hashes of the rows of a state's tables, wherever it is kept. */
export type RowHashes = {
  /** Number of rows and sum of their hashes, by bucket. */
  readonly sums: (table: ComparedTable) => Promise<ReadonlyMap<string, string>>;
  readonly hashes: (table: ComparedTable, buckets: readonly string[]) => Promise<ReadonlySet<string>>;
};

/** Compares a table of two states; the queries of both must give `row_text` by `rowText`. */
export async function differenceIn(
  live: RowHashes,
  draft: RowHashes,
  table: ComparedTable,
  draftTable = table,
): Promise<Difference | null> {
  const [here, there] = [await live.sums(table), await draft.sums(draftTable)];
  const buckets = [...new Set([...here.keys(), ...there.keys()])];
  const differing = buckets.filter((bucket) => here.get(bucket) !== there.get(bucket));
  if (differing.length === 0) return null;
  const left = await live.hashes(table, differing);
  const shared = new Set<string>();
  let onlyThere = 0;
  for (const hash of await draft.hashes(draftTable, differing)) {
    if (left.has(hash)) shared.add(hash);
    else onlyThere++;
  }
  return { table: table.name, onlyHere: left.size - shared.size, onlyThere };
}

const bucketOf = 'LEFT(row_hash, 3)';

/** The server hashes the rows. */
export function hashesIn(connection: MysqlConnection): RowHashes {
  const hashed = ({ rows }: ComparedTable): string =>
    `(SELECT MD5(row_text) AS row_hash FROM (${rows('state')}) AS compared) AS hashed`;
  return {
    sums: async (table) => {
      const rows = await connection.rows(
        `SELECT ${bucketOf} AS bucket,
           CONCAT(COUNT(*), '/', BIT_XOR(CAST(CONV(LEFT(row_hash, 16), 16, 10) AS UNSIGNED)), '/',
             BIT_XOR(CAST(CONV(RIGHT(row_hash, 16), 16, 10) AS UNSIGNED))) AS sums
         FROM ${hashed(table)} GROUP BY bucket`,
        table.values,
      );
      return new Map(rows.map((row) => [String(row['bucket']), String(row['sums'])]));
    },
    hashes: async (table, buckets) => {
      const sql = `SELECT row_hash FROM ${hashed(table)} WHERE ${bucketOf} IN (?)`;
      const rows = await connection.rows(sql, [...table.values, buckets]);
      return new Set(rows.map((row) => String(row['row_hash'])));
    },
  };
}

/**
 * The columns of a row as one text that differs for different rows, and is the same in every database. MySQL's `HEX` of a
 * number is another one than SQLite's, and SQLite's `HEX` of NULL is empty.
 */
export function rowText(dialect: Dialect, ...columns: readonly string[]): string {
  const texts = columns.map((column) => {
    const text = dialect === 'mysql' ? `CONCAT(${column}, '')` : column;
    return `CASE WHEN ${column} IS NULL THEN '-' ELSE HEX(${text}) END`;
  });
  return `CONCAT_WS('|', ${texts.join(', ')}) AS row_text`;
}
