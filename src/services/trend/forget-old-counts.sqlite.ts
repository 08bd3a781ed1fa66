import type { SqliteDatabase } from '../../database/sqlite-database.ts';
import { SamsaError } from '../../errors.ts';
import type { CountedSearch } from './trend-projection.ts';

const hourMs = 3_600_000;
const readerHours = 25;
const hourlyHours = 8 * 24 + 1;
const dailyDays = 30;
/** So that no commit holds up answers for long. */
const rowsPerCommit = 2_000;

/**
 * Removes what is behind the watermark, a bounded number of rows at a time, and rolls hours up into days. No record
 * still to come can touch such rows: one adds readers only within 24 hours of its arrival, and is late after 7 days.
 * @returns a function for the open transaction that says whether rows were removed.
 */
export function createForgetting(database: SqliteDatabase): (watermarkMs: number) => boolean {
  let doneUpToHour = Number.NEGATIVE_INFINITY;
  return (watermarkMs) => {
    const hour = Math.floor(watermarkMs / hourMs);
    if (hour <= doneUpToHour) return false;
    const lastDay = Math.floor(hour / 24) - dailyDays;
    const removed = [
      forgetReaders(database, hour - readerHours),
      rollUpHours(database, hour - hourlyHours),
      forgetDays(database, lastDay),
    ];
    const all = removed.reduce((sum, rows) => sum + rows, 0);
    if (removed.every((rows) => rows < rowsPerCommit)) {
      // Only when nothing refers to them any more.
      const queries = forgetQueries(database, lastDay);
      if (queries < rowsPerCommit) doneUpToHour = hour;
      return all + queries > 0;
    }
    return all > 0;
  };
}

/**
 * A reader counts once per query and hour. Of an hour whose readers may be forgotten, nobody knows who has counted.
 * @throws SamsaError `too-late-to-redrive`.
 */
export function refuseForgotten(searches: readonly CountedSearch[], watermarkMs: number): void {
  const lastHour = Math.floor(watermarkMs / hourMs) - readerHours;
  if (!searches.some(({ reader, hour }) => reader !== null && hour <= lastHour)) return;
  throw new SamsaError(
    'too-late-to-redrive',
    `expected a search of the last ${readerHours} hours, or one that names no reader: which readers have been counted ` +
      'before that is forgotten, so this one might count twice. Counts built anew from the log will have it.',
  );
}

function forgetReaders(database: SqliteDatabase, lastHour: number): number {
  const rows = remove(
    database,
    `DELETE FROM distinct_reader WHERE (hour, query, reader) IN
       (SELECT hour, query, reader FROM distinct_reader WHERE hour <= ? ORDER BY hour, query, reader LIMIT ?)`,
    lastHour,
  );
  const names = remove(
    database,
    'DELETE FROM reader WHERE id IN (SELECT id FROM reader WHERE last_hour <= ? LIMIT ?)',
    lastHour,
  );
  return Math.max(rows, names);
}

function rollUpHours(database: SqliteDatabase, lastHour: number): number {
  const last = database
    .prepare(
      `SELECT hour, query, number FROM
         (SELECT hour, query, row_number() OVER () AS number FROM
            (SELECT hour, query FROM hourly WHERE hour <= ? ORDER BY hour, query LIMIT ?))
       ORDER BY hour DESC, query DESC LIMIT 1`,
    )
    .get(lastHour, rowsPerCommit);
  if (last === undefined) return 0;
  const upTo = [last['hour']!, last['query']!] as const;
  database
    .prepare(
      `INSERT INTO daily SELECT hour / 24, query, sum(readers), sum(anonymous), sum(searches) FROM hourly
       WHERE (hour, query) <= (?, ?) GROUP BY 1, 2
       ON CONFLICT DO UPDATE SET readers = readers + excluded.readers, anonymous = anonymous + excluded.anonymous,
         searches = searches + excluded.searches`,
    )
    .run(...upTo);
  database.prepare('DELETE FROM hourly WHERE (hour, query) <= (?, ?)').run(...upTo);
  return Number(last['number']);
}

function forgetDays(database: SqliteDatabase, lastDay: number): number {
  const days = remove(
    database,
    `DELETE FROM daily WHERE (day, query) IN
       (SELECT day, query FROM daily WHERE day <= ? ORDER BY day, query LIMIT ?)`,
    lastDay,
  );
  const spellings = remove(
    database,
    `DELETE FROM spelling WHERE (day, query, label) IN
       (SELECT day, query, label FROM spelling WHERE day <= ? ORDER BY day, query, label LIMIT ?)`,
    lastDay,
  );
  return Math.max(days, spellings);
}

/** Without an index on the times, which change with every search: this reads ten bytes a query, once an hour. */
function forgetQueries(database: SqliteDatabase, lastDay: number): number {
  const old = database
    .prepare('SELECT query FROM last_search WHERE time_ms < ? LIMIT ?')
    .all((lastDay + 1) * 24 * hourMs, rowsPerCommit)
    .map((row) => Number(row['query']));
  for (const [table, column] of [
    ['answer', 'query'],
    ['query', 'id'],
    ['last_search', 'query'],
  ]) {
    database
      .prepare(`DELETE FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?))`)
      .run(JSON.stringify(old));
  }
  return old.length;
}

function remove(database: SqliteDatabase, sql: string, last: number): number {
  return Number(database.prepare(sql).run(last, rowsPerCommit).changes);
}
