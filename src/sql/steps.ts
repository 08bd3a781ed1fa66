import type { MergedTable, SqlValue } from './merge.ts';

export type SqlRow = Readonly<Record<string, unknown>>;

/**
 * One statement that a generator asks its runner to execute, in SQL that all our databases understand. `state.position`
 * means the table `position` of the state at hand; a list of values stands for `IN (?)`.
 */
export type Step =
  | {
      readonly kind: 'rows' | 'change';
      readonly sql: string;
      readonly values: readonly (SqlValue | readonly SqlValue[])[];
    }
  | { readonly kind: 'upsert'; readonly table: MergedTable; readonly rows: readonly (readonly SqlValue[])[] };

/**
 * Work on a database, written once for SQLite and MySQL: a generator that yields statements and gets their results. Each
 * database has a `runSteps`. On MySQL a transaction may run it again from the start, so it keeps nothing elsewhere.
 */
export type Steps<Result> = Generator<Step, Result, unknown>;

/** Text may come as bytes, for `columnText`; whole numbers as numbers or text, for `Number`. */
export function* rows(sql: string, values: readonly (SqlValue | readonly SqlValue[])[] = []): Steps<readonly SqlRow[]> {
  return (yield { kind: 'rows', sql, values }) as readonly SqlRow[];
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
