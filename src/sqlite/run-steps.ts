import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { upsert, type SqlValue, type Step, type Steps } from '../sql/statements.ts';

type Connection = { readonly prepare: (sql: string) => StatementSync };

/** Runs steps at once, on a connection or inside its open transaction. @throws as its statements do. */
export function runSteps<Result>(connection: Connection, steps: Steps<Result>): Result {
  let next = steps.next();
  while (next.done !== true) next = steps.next(execute(connection, next.value));
  return next.value;
}

function execute(connection: Connection, step: Step): unknown {
  if (step.kind === 'upsert') {
    const statement = connection.prepare(upsert(step.table, 'sqlite'));
    for (const row of step.rows) statement.run(...row);
    return undefined;
  }
  if (step.kind === 'several') return step.queries.map((query) => execute(connection, { kind: 'rows', ...query }));
  const statement = connection.prepare(inSqlite(step.sql, step.values));
  const values = step.values.map(valueOf);
  return step.kind === 'rows' ? statement.all(...values) : Number(statement.run(...values).changes);
}

/**
 * SQLite has no list of values, but reads one from JSON, in which bytes are hexadecimal. It has no locks of rows either: a
 * transaction that writes holds the only lock there is.
 */
function inSqlite(sql: string, values: readonly (SqlValue | readonly SqlValue[])[]): string {
  if (values.some(isList)) return translated(sql, values);
  const known = withoutLists.get(sql) ?? translated(sql, []);
  withoutLists.set(sql, known);
  return known;
}

/** Translated statements: translating one takes as long as running a short one. */
const withoutLists = new Map<string, string>();

function translated(sql: string, values: readonly (SqlValue | readonly SqlValue[])[]): string {
  let at = 0;
  return sql.replaceAll(/\bstate\.|\?|\bFOR UPDATE( SKIP LOCKED)?/g, (found) => {
    if (found !== '?') return '';
    const value = values[at++];
    if (!isList(value)) return '?';
    return `SELECT ${value[0] instanceof Uint8Array ? 'unhex(value)' : 'value'} FROM json_each(?)`;
  });
}

function valueOf(value: SqlValue | readonly SqlValue[]): SQLInputValue {
  if (!isList(value)) return value;
  return JSON.stringify(value.map((one) => (one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one)));
}

function isList(value: SqlValue | readonly SqlValue[] | undefined): value is readonly SqlValue[] {
  return Array.isArray(value);
}
