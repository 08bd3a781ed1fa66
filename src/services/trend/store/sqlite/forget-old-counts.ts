import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { forgettableAt, forgottenPerCommit } from '../../counting/kept-counts.ts';

/**
 * Removes what is behind the watermark, a bounded number of rows at a time, and rolls hours up into days. No record
 * still to come can touch such rows: one adds readers only within 24 hours of its arrival, and is late after 7 days.
 * @returns a function for the open transaction that says whether rows were removed.
 */
export function createForgetting(database: SqliteDatabase): (watermarkMs: number) => boolean {
  let doneUpToHour = Number.NEGATIVE_INFINITY;
  return (watermarkMs) => {
    const { hour, readersUpToHour, hourlyUpToHour, upToDay, queriesBeforeMs } = forgettableAt(watermarkMs);
    if (hour <= doneUpToHour) return false;
    const removed = [
      forgetReaders(database, readersUpToHour),
      rollUpHours(database, hourlyUpToHour),
      forgetDays(database, upToDay),
    ];
    const all = removed.reduce((sum, rows) => sum + rows, 0);
    if (removed.every((rows) => rows < forgottenPerCommit)) {
      // Only when nothing refers to them any more.
      const queries = forgetQueries(database, queriesBeforeMs);
      if (queries < forgottenPerCommit) doneUpToHour = hour;
      return all + queries > 0;
    }
    return all > 0;
  };
}

function forgetReaders(database: SqliteDatabase, lastHour: number): number {
  return remove(
    database,
    `DELETE FROM distinct_reader WHERE (hour, query, reader) IN
       (SELECT hour, query, reader FROM distinct_reader WHERE hour <= ? ORDER BY hour, query, reader LIMIT ?)`,
    lastHour,
  );
}

function rollUpHours(database: SqliteDatabase, lastHour: number): number {
  const last = database
    .prepare(
      `SELECT hour, query, number FROM
         (SELECT hour, query, row_number() OVER () AS number FROM
            (SELECT hour, query FROM hourly WHERE hour <= ? ORDER BY hour, query LIMIT ?))
       ORDER BY hour DESC, query DESC LIMIT 1`,
    )
    .get(lastHour, forgottenPerCommit);
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
function forgetQueries(database: SqliteDatabase, beforeMs: number): number {
  const old = database
    .prepare('SELECT query FROM last_search WHERE time_ms < ? LIMIT ?')
    .all(beforeMs, forgottenPerCommit)
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
  return Number(database.prepare(sql).run(last, forgottenPerCommit).changes);
}
