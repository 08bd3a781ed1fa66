export type SqlValue = string | number | null | Uint8Array;

export type Dialect = 'sqlite' | 'mysql';

/**
 * What a column becomes when a row with the same key is written again.
 *
 * - `sum`, `max` and `or` (of bits) combine the stored value with the new one.
 * - `last` takes the new value when the new row is the later one, compared by `lastBy`.
 * - `kept` stays: the key determines it.
 * - `set` takes the new value. The order of writes matters, so only for rows that have one writer at a time.
 */
type Merge = 'sum' | 'max' | 'or' | 'last' | 'kept' | 'set';

/**
 * A table whose rows are merged, not overwritten. Without `set` its content depends on the set of rows that were
 * written and not on their order, as long as rows equal in `key` and `lastBy` are equal.
 */
export type MergedTable = {
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, Merge>>;
  /** Compared from left to right to find the later of two rows, as in `['time_ms', 'tie_break']`. */
  readonly lastBy?: readonly string[];
};

/** The order in which a row gives its values. */
export function columnsOf({ key, columns, lastBy = [] }: MergedTable): readonly string[] {
  return [...key, ...Object.keys(columns), ...lastBy];
}

/**
 * The statement that writes rows and merges them with what is stored. The database merges, so it is right
 * when others write at the same time.
 * @param source where the rows come from: one row of values for SQLite, `VALUES ?` (many rows) for MySQL, or a
 *   `SELECT`, which SQLite wants with a `WHERE`.
 */
export function upsert(table: MergedTable, dialect: Dialect, source = valuesOf(table, dialect)): string {
  const merged = dialect === 'sqlite' ? mergeInSqlite(table) : mergeInMysql(table);
  const name = dialect === 'sqlite' ? table.name : `state.${table.name}`;
  return `INSERT INTO ${name} (${columnsOf(table).join(', ')}) ${source} ${merged}`;
}

function valuesOf(table: MergedTable, dialect: Dialect): string {
  if (dialect === 'mysql') return 'VALUES ?';
  return `VALUES (${Array(columnsOf(table).length).fill('?').join(', ')})`;
}

function mergeInSqlite({ columns, lastBy = [] }: MergedTable): string {
  const isLater = `(${lastBy.map((column) => `excluded.${column}`).join(', ')}) > (${lastBy.join(', ')})`;
  const merges = [...Object.entries(columns), ...lastBy.map((column) => [column, 'last'] as const)];
  const changing = merges.filter(([, merge]) => merge !== 'kept');
  if (changing.length === 0) return 'ON CONFLICT DO NOTHING';
  // When either all columns are replaced or none, a row that stays is not written.
  const isReplaced = changing.every(([, merge]) => merge === 'last');
  const assignments = changing.map(([column, merge]) => {
    const next = `excluded.${column}`;
    if (merge === 'sum') return `${column} = ${column} + ${next}`;
    if (merge === 'max') return `${column} = max(${column}, ${next})`;
    if (merge === 'or') return `${column} = ${column} | ${next}`;
    if (merge === 'set' || isReplaced) return `${column} = ${next}`;
    return `${column} = CASE WHEN ${isLater} THEN ${next} ELSE ${column} END`;
  });
  return `ON CONFLICT DO UPDATE SET ${assignments.join(', ')}${isReplaced ? ` WHERE ${isLater}` : ''}`;
}

/**
 * MySQL assigns from left to right and later assignments see earlier ones, so `lastBy` comes last, least important
 * first.
 */
function mergeInMysql({ name, key, columns, lastBy = [] }: MergedTable): string {
  const stored = (column: string): string => `state.${name}.${column}`;
  const isLater = `(${lastBy.map((column) => `VALUES(${column})`).join(', ')}) > (${lastBy.map(stored).join(', ')})`;
  const merges = [...Object.entries(columns), ...lastBy.toReversed().map((column) => [column, 'last'] as const)];
  const assignments = merges
    .filter(([, merge]) => merge !== 'kept')
    .map(([column, merge]) => {
      const [old, next] = [stored(column), `VALUES(${column})`];
      if (merge === 'sum') return `${column} = ${old} + ${next}`;
      if (merge === 'max') return `${column} = GREATEST(${old}, ${next})`;
      if (merge === 'or') return `${column} = ${old} | ${next}`;
      if (merge === 'set') return `${column} = ${next}`;
      return `${column} = IF(${isLater}, ${next}, ${old})`;
    });
  if (assignments.length === 0) assignments.push(`${key[0]!} = ${stored(key[0]!)}`);
  return `ON DUPLICATE KEY UPDATE ${assignments.join(', ')}`;
}

/** Rows in the order of their keys: writers that lock rows in the same order do not deadlock. */
export function inKeyOrder(
  { key }: MergedTable,
  rows: readonly (readonly SqlValue[])[],
): readonly (readonly SqlValue[])[] {
  return rows.toSorted((one, other) => {
    for (let at = 0; at < key.length; at++) {
      const order = compareValues(one[at]!, other[at]!);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compareValues(one: SqlValue, other: SqlValue): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return Buffer.compare(bytesOf(one), bytesOf(other));
}

function bytesOf(value: SqlValue): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value));
}

export type SqlRow = Readonly<Record<string, unknown>>;

export type Query = { readonly sql: string; readonly values: readonly (SqlValue | readonly SqlValue[])[] };

/**
 * One statement that a generator asks its runner to execute, in SQL that all our databases understand. `state.position`
 * means the table `position` of the state; a list of values stands for `IN (?)`.
 */
export type Step =
  | ({ readonly kind: 'rows' | 'change' } & Query)
  | { readonly kind: 'several'; readonly queries: readonly Query[] }
  | { readonly kind: 'upsert'; readonly table: MergedTable; readonly rows: readonly (readonly SqlValue[])[] };

/**
 * Work on a database, written once for SQLite and MySQL: a generator that yields statements and gets their results.
 * Each database has a `runSteps`. On MySQL a transaction may run it again from the start, so it keeps nothing
 * elsewhere.
 */
export type Steps<Result> = Generator<Step, Result, unknown>;

/** Text may come as bytes: read it with `columnText`. Whole numbers may come as text: read them with `Number`. */
export function* rows(sql: string, values: readonly (SqlValue | readonly SqlValue[])[] = []): Steps<readonly SqlRow[]> {
  return (yield { kind: 'rows', sql, values }) as readonly SqlRow[];
}

/** The rows of each query. None of them may need the answer of another one: MySQL gets them all at once. */
export function* rowsOfEach<const Queries extends readonly Query[]>(
  ...queries: Queries
): Steps<{ readonly [Index in keyof Queries]: readonly SqlRow[] }> {
  return (yield { kind: 'several', queries }) as { readonly [Index in keyof Queries]: readonly SqlRow[] };
}

/** @returns how many rows were found to change, inserted or removed. */
export function* change(sql: string, values: readonly (SqlValue | readonly SqlValue[])[] = []): Steps<number> {
  return (yield { kind: 'change', sql, values }) as number;
}

/** Writes rows, their values in the order of `columnsOf`, and merges them as the table declares. */
export function* write(table: MergedTable, values: readonly (readonly SqlValue[])[]): Steps<void> {
  yield { kind: 'upsert', table, rows: values };
}

/** A column of text, which MySQL keeps as bytes; `null` for NULL. */
export function columnText(value: unknown): string | null {
  if (!(value instanceof Uint8Array)) return typeof value === 'string' ? value : null;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}
