import { rowText } from '../../../progress/mysql/rebuild-place.ts';
import type { ComparedTable } from '../../../progress/state.ts';
import type { Dialect } from '../../../sql/statements.ts';
import { forgettableAt } from './forget-old-counts.ts';
import { latestTimes } from './tables.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * What two states must have in common, in either database: nothing that one of them may have forgotten when `newestMs`
 * had arrived, nothing that happened before `fromMs`. Numbers of queries are replaced by their keys. Hours may have
 * become days in one state and not in the other.
 */
export function comparedCounts(dialect: Dialect, newestMs: number, fromMs: number): readonly ComparedTable[] {
  const { readersUpToHour, hourlyUpToHour, upToDay, queriesBeforeMs } = forgettableAt(newestMs);
  const latest = latestTimes[dialect];
  const fromHour = Math.ceil(fromMs / hourMs);
  const day = Math.max(upToDay + 1, Math.ceil(fromMs / dayMs));
  return [
    {
      name: 'hourly_reader',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 't.hour', 'q.query_key', 't.reader')} FROM ${named(schema, 'hourly_reader')} WHERE t.hour >= ?`,
      values: [Math.max(readersUpToHour + 1, fromHour)],
    },
    {
      name: 'hourly',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 't.hour', 'q.query_key', 't.readers', 't.anonymous', 't.searches', 't.places')}
         FROM ${named(schema, 'hourly')} WHERE t.hour >= ?`,
      values: [Math.max(hourlyUpToHour + 1, fromHour)],
    },
    {
      name: 'daily',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 't.day', 'q.query_key', 'SUM(t.readers)', 'SUM(t.anonymous)', 'SUM(t.searches)')} FROM
           (SELECT day, query, readers, anonymous, searches FROM ${schema}.daily UNION ALL
            SELECT CAST((hour - hour % 24) / 24 AS SIGNED), query, readers, anonymous, searches FROM ${schema}.hourly) AS t
         LEFT JOIN ${schema}.query AS q ON q.id = t.query WHERE t.day >= ? GROUP BY t.day, q.query_key`,
      values: [day],
    },
    {
      name: 'spelling',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 't.day', 'q.query_key', 't.label', 't.readers', 't.places')} FROM ${named(schema, 'spelling')}
         WHERE t.day >= ?`,
      values: [day],
    },
    {
      name: 'lead',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 't.day', 'q.query_key', 't.book', 't.searches')} FROM ${named(schema, 'lead')} WHERE t.day >= ?`,
      values: [day],
    },
    {
      name: 'unanswered',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 't.hour', 'q.query_key', 't.searches', 't.last_ms')} FROM ${named(schema, 'unanswered')}
         WHERE t.hour >= ?`,
      values: [Math.max((upToDay + 1) * 24, fromHour)],
    },
    {
      name: 'decision',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 'query_key', 'about', 'holds', 'time_ms', 'tie_break')} FROM ${schema}.decision
         WHERE time_ms >= ?`,
      values: [fromMs],
    },
    {
      name: 'answer',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 'q.query_key', 't.time_ms', 't.answered_ms', 'a.corrected', 'a.books')} FROM ${schema}.${latest.table} AS t
         LEFT JOIN ${schema}.query AS q ON q.id = t.${latest.id}
         LEFT JOIN ${schema}.answer AS a ON a.query = t.${latest.id} WHERE t.time_ms >= ?`,
      values: [Math.max(queriesBeforeMs, fromMs)],
    },
  ];
}

/** Joined from the left, so that counts of a query that is gone show. */
function named(schema: string, table: string): string {
  return `${schema}.${table} AS t LEFT JOIN ${schema}.query AS q ON q.id = t.query`;
}
