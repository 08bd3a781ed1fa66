import {
  columnsOf,
  change,
  rows,
  write,
  type Dialect,
  type MergedTable,
  type SqlValue,
  type SqlRow,
  type Steps,
} from '../../../sql/statements.ts';
import { SamsaError } from '../../../errors.ts';
import { dayMs } from '../../../runtime/time.ts';
import { dayOfHour, hourOfTime } from '../hours.ts';
import type { TrendChange } from '../trend-projection.ts';
import { daily, hourly, latestTimes, lead, spelling, unanswered } from './tables.ts';

/** How long counts are kept, measured from the watermark: everything that arrived before it has been read. */
const kept = { readerHours: 25, hourlyHours: 8 * 24 + 1, dailyDays: 30 } as const;

/** How many rows one commit removes at most, so that answers do not wait long. */
const forgottenPerCommit = 2_000;

/** Answers read this many hours past the end of their window, because other clocks may be ahead of ours. */
export const hoursAhead = 2;

/** Days that can hold counts: those kept, and the one that has begun. */
export const countedDays = kept.dailyDays + 1;

/**
 * The last hours and days that may be forgotten, and the time since when a query must have been searched for to stay.
 */
export function forgettableAt(watermarkMs: number) {
  const hour = hourOfTime(watermarkMs);
  const day = dayOfHour(hour) - kept.dailyDays;
  return {
    hour,
    readersUpToHour: hour - kept.readerHours,
    hourlyUpToHour: hour - kept.hourlyHours,
    upToDay: day,
    queriesBeforeMs: (day + 1) * dayMs,
  };
}

/**
 * A reader counts once per query and hour. In an hour whose readers may be forgotten, this can no longer be checked.
 * @throws SamsaError `too-late-to-redrive`.
 */
export function refuseForgotten(changes: readonly TrendChange[], watermarkMs: number): void {
  const { readersUpToHour } = forgettableAt(watermarkMs);
  const isForgotten = (change: TrendChange): boolean =>
    change.kind === 'search' && change.reader !== null && change.hour <= readersUpToHour;
  if (!changes.some(isForgotten)) return;
  throw new SamsaError(
    'too-late-to-redrive',
    `expected a search of the last ${kept.readerHours} hours, or one that names no reader. Who was counted before is no ` +
      'longer known, so this reader might count twice. Rebuilt counts will include the search.',
  );
}

type Keyed = Pick<MergedTable, 'name' | 'key'>;
/** The rows of a table up to a point in the order of its key. `isAll`: no further rows may be removed. */
type Part = { readonly where: string; readonly values: readonly SqlValue[]; readonly isAll: boolean };

const hourlyReader: Keyed = { name: 'hourly_reader', key: ['hour', 'query', 'reader'] };
/** SQLite only. */
const countedHour: Keyed = { name: 'counted_hour', key: ['hour'] };
const spellingReader: Keyed = { ...hourlyReader, name: 'spelling_reader' };

/**
 * Each commit removes a bounded number of rows that are older than the watermark allows, and adds old hours to their
 * days. No later record can touch such rows: a record adds readers only within 24 hours of its arrival, and
 * is late after 7 days. If several instances share the state, one of them does this and the others do not wait.
 */
export type Forgetting = {
  /** @returns whether queries were removed. */
  readonly steps: (watermarkMs: number) => Steps<boolean>;
};

export function createForgetting(dialect: Dialect): Forgetting {
  let doneUpToHour = Number.NEGATIVE_INFINITY;
  return {
    *steps(watermarkMs) {
      const { hour } = forgettableAt(watermarkMs);
      if (hour <= doneUpToHour) return false;
      const [turn] = yield* rows(
        'SELECT id FROM state.forgetting WHERE id = 1 AND done_up_to_hour < ? FOR UPDATE SKIP LOCKED',
        [hour],
      );
      if (turn === undefined) {
        // Another instance is doing it or has done it. Once it is done, further commits of this hour need not ask.
        const [done] = yield* rows('SELECT done_up_to_hour AS hour FROM state.forgetting WHERE id = 1');
        doneUpToHour = Number(done?.['hour'] ?? doneUpToHour);
        return false;
      }
      const { isDone, queries } = yield* forgetOldCounts(dialect, watermarkMs);
      if (isDone) {
        yield* change('UPDATE state.forgetting SET done_up_to_hour = ? WHERE id = 1', [hour]);
        doneUpToHour = hour;
      }
      return queries > 0;
    },
  };
}

function* forgetOldCounts(
  dialect: Dialect,
  watermarkMs: number,
): Steps<{ readonly isDone: boolean; readonly queries: number }> {
  const { readersUpToHour, hourlyUpToHour, upToDay, queriesBeforeMs } = forgettableAt(watermarkMs);
  const done = [
    yield* remove(hourlyReader, readersUpToHour),
    yield* remove(spellingReader, readersUpToHour),
    yield* rollUpHours(hourlyUpToHour),
    yield* remove(daily, upToDay),
    yield* remove(spelling, upToDay),
    yield* remove(lead, upToDay),
    yield* remove(unanswered, (upToDay + 1) * 24 - 1),
  ];
  if (dialect === 'sqlite') yield* remove(countedHour, hourlyUpToHour);
  if (done.includes(false)) return { isDone: false, queries: 0 };
  // Last, when no count refers to them any more.
  const queries = yield* forgetQueries(dialect, queriesBeforeMs);
  return { isDone: queries < forgottenPerCommit, queries };
}

/** @returns whether all are removed. */
function* remove(table: Keyed, upTo: number): Steps<boolean> {
  const { where, values, isAll } = yield* firstPart(table, upTo);
  yield* change(`DELETE FROM state.${table.name} WHERE ${where}`, values);
  return isAll;
}

function* rollUpHours(upToHour: number): Steps<boolean> {
  const { where, values, isAll } = yield* firstPart(hourly, upToHour);
  const hours = yield* rows(
    `SELECT ${columnsOf(hourly).join(', ')} FROM state.hourly WHERE ${where} FOR UPDATE`,
    values,
  );
  const counted = Object.keys(daily.columns);
  yield* write(
    daily,
    hours.map((row) => [
      dayOfHour(Number(row['hour'])),
      Number(row['query']),
      ...counted.map((column) => Number(row[column])),
    ]),
  );
  yield* change(`DELETE FROM state.hourly WHERE ${where}`, values);
  return isAll;
}

/** As many rows as one commit may remove. */
function* firstPart({ name, key }: Keyed, upTo: number): Steps<Part> {
  const [first] = key;
  const [last] = yield* rows(
    `SELECT ${key.join(', ')} FROM state.${name} WHERE ${first} <= ?
     ORDER BY ${key.join(', ')} LIMIT 1 OFFSET ${forgottenPerCommit - 1}`,
    [upTo],
  );
  if (last === undefined) return { where: `${first} <= ?`, values: [upTo], isAll: true };
  return { ...upToRow(key, last), isAll: false };
}

/** `(a, b) <= (?, ?)` in a form for which MySQL uses an index: `a <= ? AND (a < ? OR (a = ? AND b <= ?))`. */
function upToRow(key: readonly string[], row: SqlRow): Pick<Part, 'where' | 'values'> {
  const value = (column: string): SqlValue => row[column] as SqlValue;
  const [column, ...rest] = key as readonly [string, ...string[]];
  if (rest.length === 0) return { where: `${column} <= ?`, values: [value(column)] };
  const inside = upToRow(rest, row);
  return {
    where: `${column} <= ? AND (${column} < ? OR (${column} = ? AND ${inside.where}))`,
    values: [value(column), value(column), value(column), ...inside.values],
  };
}

/** Reads all queries, once an hour: there is no index on the times, because they change with every search. */
function* forgetQueries(dialect: Dialect, beforeMs: number): Steps<number> {
  const { table, id } = latestTimes[dialect];
  const old = yield* rows(`SELECT ${id} AS id FROM state.${table} WHERE time_ms < ? LIMIT ?`, [
    beforeMs,
    forgottenPerCommit,
  ]);
  if (old.length === 0) return 0;
  // Keeps a query that another instance is counting now.
  const locked = yield* rows(
    `SELECT ${id} AS id FROM state.${table} WHERE ${id} IN (?) AND time_ms < ? FOR UPDATE SKIP LOCKED`,
    [old.map((row) => Number(row['id'])), beforeMs],
  );
  const ids = locked.map((row) => Number(row['id']));
  if (ids.length > 0) {
    yield* change('DELETE FROM state.answer WHERE query IN (?)', [ids]);
    yield* change('DELETE FROM state.query WHERE id IN (?)', [ids]);
    if (table !== 'query') yield* change(`DELETE FROM state.${table} WHERE ${id} IN (?)`, [ids]);
  }
  return old.length;
}
