import { SamsaError } from '../../errors.ts';
import {
  databaseTime,
  openConnection,
  type MysqlAddress,
  type MysqlConnection,
  type OwnedConnection,
} from '../../mysql/connection.ts';
import { databaseName, isUnknownTable, translateErrors } from '../../mysql/errors.ts';
import { isTaken, lockName, lockScopeOf, releaseLock, takeLock } from '../../mysql/locks.ts';
import { runSteps, startSnapshot } from '../../mysql/transaction.ts';
import { countDiscarded, readDeadLetters } from '../dead-letter-rows.ts';
import { readPositionsByProjection } from '../positions.ts';
import {
  lookInside,
  locationName,
  readInstances,
  readProgress,
  rebuiltAlready,
  type ComparedTable,
  type Difference,
  type StateDraft,
  type StateReader,
  type StateSnapshot,
} from '../state.ts';
import { instanceLock, leasesLock } from './progress.ts';

const readTimeoutMs = 60_000;
/** Longer than any lease lasts. */
const seenWithinMs = 10_000;

/** On its own connection, without creating or changing tables. @see openStateReader */
export async function openMysqlStateReader(address: MysqlAddress): Promise<StateReader | null> {
  const name = databaseName(address);
  const ours = <Result>(work: Promise<Result>): Promise<Result> => translateErrors(name, work);
  const connection = await ours(openConnection(address, readTimeoutMs));
  if (!(await ours(hasState(connection)))) {
    await connection.quit();
    return null;
  }
  const inside: StateReader['inside'] = async (projection) => {
    const instances = await readingInstances(connection, lockScopeOf(address), projection);
    return { ...(await runSteps(connection, lookInside(projection))), instances };
  };
  return {
    progress: () => ours(runSteps(connection, readProgress())),
    inside: (projection) => ours(inside(projection)),
    deadLetters: (query) => ours(runSteps(connection, readDeadLetters(query))),
    close: connection.quit,
  };
}

/** Whether there is a state under the prefix of this connection. */
async function hasState(connection: MysqlConnection): Promise<boolean> {
  try {
    await connection.rows('SELECT 1 FROM state.dead_letter LIMIT 1');
    return true;
  } catch (error) {
    if (isUnknownTable(error)) return false;
    throw error;
  }
}

/** Instances that were seen within the last ten seconds, and frozen ones whose commit connection is still open. */
async function readingInstances(
  connection: MysqlConnection,
  lockScope: string,
  projection: string,
): Promise<readonly string[]> {
  const seenSinceMs = (await databaseTime(connection)) - seenWithinMs;
  const reading: string[] = [];
  for (const { instance, seenMs } of await runSteps(connection, readInstances(projection))) {
    if (seenMs > seenSinceMs || (await isTaken(connection, instanceLock(lockScope, instance)))) reading.push(instance);
  }
  return reading;
}

/** Comparing reads whole tables. */
const compareTimeoutMs = 600_000;

/** Tables beside the live ones, in the same database under another prefix. @see openStateDraft */
export async function openMysqlDraft(address: MysqlAddress, projection: string): Promise<StateDraft> {
  const prefix = address.tablePrefix ?? '';
  const prefixes: Prefixes = { live: prefix, draft: `${prefix}rebuild_`, old: `${prefix}before_rebuild_` };
  const draft = { ...address, tablePrefix: prefixes.draft };
  const name = locationName({ kind: 'mysql', ...address });
  const ours = <Result>(work: Promise<Result>): Promise<Result> => translateErrors(name, work);
  await using stack = new AsyncDisposableStack();
  const live = await ours(openConnection(address, compareTimeoutMs));
  stack.defer(live.quit);
  const beside = await ours(openConnection(draft, compareTimeoutMs));
  stack.defer(beside.quit);
  if (!(await ours(takeLock(live, lockName(lockScopeOf(address), 'rebuild'), 0)))) throw rebuiltAlready(name);
  await ours(removeTables(live, prefixes.draft));
  // When this fails, the next rebuild does it.
  stack.defer(() => removeTables(live, prefixes.draft).catch(() => {}));
  const isUsed = async (): Promise<boolean> =>
    (await hasState(live)) && (await readingInstances(live, lockScopeOf(address), projection)).length > 0;
  const opened = stack.move();
  return {
    name,
    location: { kind: 'mysql', ...draft },
    isInUse: () => ours(isUsed()),
    snapshot: () =>
      ours(openConnection(address, compareTimeoutMs).then((connection) => openMysqlSnapshot(connection, beside))),
    replace: (mayReplace) =>
      ours(
        withoutTicks(live, address, projection, async () => {
          if (await isUsed()) {
            throw new SamsaError(
              'already-running',
              `${name}: expected a state that is not in use, but a service reads into it. Stop it first.`,
            );
          }
          return swap(live, prefixes, mayReplace);
        }),
      ),
    close: () => opened.disposeAsync(),
  };
}

type Prefixes = { readonly live: string; readonly draft: string; readonly old: string };

/** Prevents services from beginning to read meanwhile, because they start by asking for leases. */
async function withoutTicks<Result>(
  connection: MysqlConnection,
  address: MysqlAddress,
  projection: string,
  body: () => Promise<Result>,
): Promise<Result> {
  const lock = leasesLock(lockScopeOf(address), projection);
  if (!(await takeLock(connection, lock, 5))) {
    throw new SamsaError('store-unavailable', 'the leases of the live state are being changed', { retryable: true });
  }
  try {
    return await body();
  } finally {
    if (!connection.isLost()) await releaseLock(connection, lock);
  }
}

async function swap(
  connection: MysqlConnection,
  prefixes: Prefixes,
  mayReplace: (discarded: number) => void,
): Promise<string | null> {
  const finished = await tableNames(connection, prefixes.draft);
  const known = new Set(await tableNames(connection, prefixes.live));
  const replaced = finished.filter((name) => known.has(name));
  await removeTables(connection, prefixes.old);
  const discarded = (await hasState(connection)) ? await runSteps(connection, countDiscarded()) : null;
  if (discarded !== null) mayReplace(discarded);
  const moves = [
    ...replaced.map((name): Move => [prefixes.live + name, prefixes.old + name]),
    ...finished.map((name): Move => [prefixes.draft + name, prefixes.live + name]),
  ];
  await renameTables(connection, moves);
  if (discarded === null) return null;
  // From here on nobody can decide about letters of the old state. Checks that nobody did since they were counted.
  const [row] = await connection.rows(
    `SELECT COUNT(*) AS n FROM \`${prefixes.old}dead_letter\` WHERE status = 'discarded'`,
  );
  if (Number(row?.['n']) !== discarded) {
    await renameTables(
      connection,
      moves.toReversed().map(([from, to]) => [to, from]),
    );
    mayReplace(Number(row?.['n']));
  }
  return `tables ${prefixes.old}*`;
}

type Move = readonly [from: string, to: string];

/** One statement: all of them or none. */
async function renameTables(connection: MysqlConnection, moves: readonly Move[]): Promise<void> {
  await connection.change(`RENAME TABLE ${moves.map(([from, to]) => `\`${from}\` TO \`${to}\``).join(', ')}`);
}

async function removeTables(connection: MysqlConnection, prefix: string): Promise<void> {
  const names = await tableNames(connection, prefix);
  if (names.length > 0) await connection.change(`DROP TABLE ${names.map((name) => `\`${prefix}${name}\``).join(', ')}`);
}

/** Names of tables with a prefix, without it. One state's prefix may start with another's, but not with a draft's. */
async function tableNames(connection: MysqlConnection, prefix: string): Promise<readonly string[]> {
  const rows = await connection.rows(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = DATABASE() AND LEFT(table_name, CHAR_LENGTH(?)) = ? ORDER BY table_name`,
    [prefix, prefix],
  );
  return rows.map((row) => String(row['name']).slice(prefix.length));
}

/**
 * Compares one moment of a state with another state, each under its connection's prefix. The server hashes the rows,
 * and only sums of hashes are sent here; where the sums differ, the hashes.
 * @param live the snapshot is its transaction and ends with the connection.
 */
async function openMysqlSnapshot(live: OwnedConnection, draft: MysqlConnection): Promise<StateSnapshot> {
  startSnapshot(live);
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

/** Hashes of the rows of a state's tables, in either database. */
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
