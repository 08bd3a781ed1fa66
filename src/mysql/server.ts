import { SamsaError } from '../errors.ts';

/** What servers that speak MySQL's protocol do in different ways. */
export type Capabilities = {
  /** `FOR UPDATE SKIP LOCKED`. TiDB accepts it and returns locked rows. */
  readonly skipsLockedRows: boolean;
  /** `LOCK IN SHARE MODE`. */
  readonly sharesRowLocks: boolean;
  /** `IS_USED_LOCK` gives the id of the connection. Without it that stands in a row of ours. */
  readonly namesLockHolders: boolean;
  /** `START TRANSACTION … READ ONLY` together with a consistent snapshot. */
  readonly hasReadOnlySnapshots: boolean;
  /** `JSON_TABLE`, for a list of values of any length in one place. */
  readonly hasJsonTable: boolean;
  /** `ALTER TABLE … ADD COLUMN x, ADD KEY (x)` in one statement. */
  readonly changesTogether: boolean;
};

export type Server = Capabilities & {
  readonly kind: 'MySQL' | 'MariaDB' | 'TiDB';
  /** As the server gives it. */
  readonly version: string;
};

const everything: Capabilities = {
  skipsLockedRows: true,
  sharesRowLocks: true,
  namesLockHolders: true,
  hasReadOnlySnapshots: true,
  hasJsonTable: true,
  changesTogether: true,
};

const nothing: Capabilities = {
  skipsLockedRows: false,
  sharesRowLocks: false,
  namesLockHolders: false,
  hasReadOnlySnapshots: false,
  hasJsonTable: false,
  changesTogether: false,
};

/** Servers that look like MySQL, but lose or mix up what several processes write, or were never tested. */
const unfit: readonly (readonly [name: string, pattern: RegExp, why: string])[] = [
  ['Dolt', /dolt/i, 'its FOR UPDATE does not keep other transactions from the row'],
  ['Vitess', /vitess|planetscale/i, 'Samsa was never tried with it'],
  ['OceanBase', /oceanbase/i, 'Samsa was never tried with it'],
  ['SingleStore', /memsql|singlestore/i, 'it has no unique keys across its partitions'],
];

/**
 * @param version as `VERSION()` gives it; some MariaDB servers put `5.5.5-` before it.
 * @param comment as `@@version_comment` gives it.
 * @param place of the database, for messages.
 * @throws SamsaError `bad-configuration` when Samsa cannot use the server.
 */
export function recognizeServer(place: string, version: string, comment: string): Server {
  const found = unfit.find(([, pattern]) => pattern.test(`${version} ${comment}`));
  if (found !== undefined) {
    const [name, , why] = found;
    throw refused(place, `${name} ${version}, which does not work: ${why}`);
  }
  const tidb = /TiDB-v(\d+)\.(\d+)/i.exec(version);
  if (tidb !== null) {
    if (Number(tidb[1]) < 8) throw refused(place, version);
    return { ...nothing, kind: 'TiDB', version };
  }
  const isMariaDb = /mariadb/i.test(`${version} ${comment}`);
  const [, major = 0, minor = 0] = (/^(?:5\.5\.5-)?(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const [leastMajor, leastMinor] = isMariaDb ? [10, 11] : [8, 0];
  const isRecent = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  if (!isRecent) throw refused(place, version);
  return { ...everything, kind: isMariaDb ? 'MariaDB' : 'MySQL', version };
}

function refused(place: string, found: string): SamsaError {
  return new SamsaError(
    'bad-configuration',
    `db.dsn: expected MySQL 8.0, MariaDB 10.11 or TiDB 8.0, or newer, at ${place}; found ${found}.`,
  );
}

/**
 * Adapts a statement to this server. Without `SKIP LOCKED` it waits for rows that others have locked. Without shared
 * locks, transactions that only protect a row from changes wait for each other.
 */
export function adaptStatement({ skipsLockedRows, sharesRowLocks }: Capabilities, sql: string): string {
  const waiting = skipsLockedRows ? sql : sql.replaceAll('FOR UPDATE SKIP LOCKED', 'FOR UPDATE');
  return sharesRowLocks ? waiting : waiting.replaceAll('LOCK IN SHARE MODE', 'FOR UPDATE');
}

/**
 * Values as a table `wanted` with the column `value`, to be the first table of a join: each value is then looked up in
 * an index of the second table. With `IN (…)` instead, servers have read a whole forced index, because during an import
 * their statistics of the table are out of date.
 */
export function wantedTable(
  { hasJsonTable }: Capabilities,
  type: 'BIGINT UNSIGNED' | 'VARCHAR(200)',
  values: readonly (string | number)[],
): { readonly table: string; readonly parameters: readonly (string | number)[] } {
  if (hasJsonTable) {
    const table = `JSON_TABLE(?, '$[*]' COLUMNS (value ${type} PATH '$')) AS wanted`;
    return { table, parameters: [JSON.stringify(values)] };
  }
  const rows = values.map((_, index) => (index === 0 ? 'SELECT ? AS value' : 'SELECT ?'));
  return { table: `(${rows.join(' UNION ALL ')}) AS wanted`, parameters: values };
}
