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
        const difference = await differenceIn(live, draft, table);
        if (difference !== null) found.push(difference);
      }
      return found;
    },
    close: live.quit,
  };
}

async function differenceIn(
  live: MysqlConnection,
  draft: MysqlConnection,
  table: ComparedTable,
): Promise<Difference | null> {
  const [here, there] = [await sumsOf(live, table), await sumsOf(draft, table)];
  const buckets = [...new Set([...here.keys(), ...there.keys()])];
  const differing = buckets.filter((bucket) => here.get(bucket) !== there.get(bucket));
  if (differing.length === 0) return null;
  const left = await hashesOf(live, table, differing);
  const shared = new Set<string>();
  let onlyThere = 0;
  for (const hash of await hashesOf(draft, table, differing)) {
    if (left.has(hash)) shared.add(hash);
    else onlyThere++;
  }
  return { table: table.name, onlyHere: left.size - shared.size, onlyThere };
}

const bucketOf = 'LEFT(row_hash, 3)';

function hashed({ rows }: ComparedTable): string {
  return `(SELECT MD5(row_text) AS row_hash FROM (${rows('state')}) AS compared) AS hashed`;
}

/** Number of rows and sum of their hashes, by bucket. */
async function sumsOf(connection: MysqlConnection, table: ComparedTable): Promise<ReadonlyMap<string, string>> {
  const rows = await connection.rows(
    `SELECT ${bucketOf} AS bucket,
       CONCAT(COUNT(*), '/', BIT_XOR(CAST(CONV(LEFT(row_hash, 16), 16, 10) AS UNSIGNED)), '/',
         BIT_XOR(CAST(CONV(RIGHT(row_hash, 16), 16, 10) AS UNSIGNED))) AS sums
     FROM ${hashed(table)} GROUP BY bucket`,
    table.values,
  );
  return new Map(rows.map((row) => [String(row['bucket']), String(row['sums'])]));
}

async function hashesOf(
  connection: MysqlConnection,
  table: ComparedTable,
  buckets: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await connection.rows(`SELECT row_hash FROM ${hashed(table)} WHERE ${bucketOf} IN (?)`, [
    ...table.values,
    buckets,
  ]);
  return new Set(rows.map((row) => String(row['row_hash'])));
}

/** The columns of a row as one text that differs for different rows. */
export function rowText(...columns: readonly string[]): string {
  return `CONCAT_WS('|', ${columns.map((column) => `COALESCE(HEX(${column}), '-')`).join(', ')}) AS row_text`;
}
