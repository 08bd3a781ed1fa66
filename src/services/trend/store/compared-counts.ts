import type { ComparedTable } from '../../../progress/rebuild/rebuild-place.ts';
import { rowText } from '../../../progress/mysql/compare-states.ts';
import type { StoreLocation } from '../../../progress/store-location.ts';
import { forgettableAt } from '../counting/kept-counts.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

type Queries = Readonly<
  Record<'distinct_reader' | 'hourly' | 'daily' | 'spelling' | 'answer', (schema: string) => string>
>;

/**
 * What both states must have: nothing that one may have forgotten when `newestMs` had arrived, nothing that happened
 * before `fromMs`. Numbers given to queries are replaced by their keys; hours may be rolled up or not.
 */
export function comparedCounts(
  kind: StoreLocation['kind'],
  newestMs: number,
  fromMs: number,
): readonly ComparedTable[] {
  const { readersUpToHour, hourlyUpToHour, upToDay, queriesBeforeMs } = forgettableAt(newestMs);
  const fromHour = Math.ceil(fromMs / hourMs);
  const day = Math.max(upToDay + 1, Math.ceil(fromMs / dayMs));
  const { distinct_reader, hourly, daily, spelling, answer } = kind === 'sqlite' ? inSqlite : inMysql;
  return [
    { name: 'distinct_reader', rows: distinct_reader, values: [Math.max(readersUpToHour + 1, fromHour)] },
    { name: 'hourly', rows: hourly, values: [Math.max(hourlyUpToHour + 1, fromHour)] },
    { name: 'daily', rows: daily, values: [day] },
    { name: 'spelling', rows: spelling, values: [day] },
    { name: 'answer', rows: answer, values: [Math.max(queriesBeforeMs, fromMs)] },
  ];
}

const named = (schema: string, table: string): string =>
  `${schema}.${table} AS t LEFT JOIN ${schema}.query AS q ON q.id = t.query`;

const inSqlite: Queries = {
  distinct_reader: (schema) =>
    `SELECT t.hour, q.key, t.reader FROM ${named(schema, 'distinct_reader')} WHERE t.hour >= ?`,
  hourly: (schema) =>
    `SELECT t.hour, q.key, t.readers, t.anonymous, t.searches FROM ${named(schema, 'hourly')} WHERE t.hour >= ?`,
  daily: (schema) =>
    `SELECT t.day, q.key, sum(t.readers), sum(t.anonymous), sum(t.searches) FROM
       (SELECT day, query, readers, anonymous, searches FROM ${schema}.daily UNION ALL
        SELECT hour / 24, query, readers, anonymous, searches FROM ${schema}.hourly) AS t
     LEFT JOIN ${schema}.query AS q ON q.id = t.query WHERE t.day >= ? GROUP BY t.day, t.query`,
  spelling: (schema) => `SELECT t.day, q.key, t.label, t.searches FROM ${named(schema, 'spelling')} WHERE t.day >= ?`,
  answer: (schema) =>
    `SELECT q.key, t.time_ms, a.corrected, a.books FROM ${named(schema, 'last_search')}
     LEFT JOIN ${schema}.answer AS a ON a.query = t.query WHERE t.time_ms >= ?`,
};

const inMysql: Queries = {
  distinct_reader: (schema) =>
    `SELECT ${rowText('t.hour', 'q.key_hash', 't.reader')} FROM ${named(schema, 'distinct_reader')} WHERE t.hour >= ?`,
  hourly: (schema) =>
    `SELECT ${rowText('t.hour', 'q.key_hash', 't.readers', 't.anonymous', 't.searches')}
     FROM ${named(schema, 'hourly')} WHERE t.hour >= ?`,
  daily: (schema) =>
    `SELECT ${rowText('t.day', 'q.key_hash', 'SUM(t.readers)', 'SUM(t.anonymous)', 'SUM(t.searches)')} FROM
       (SELECT day, query, readers, anonymous, searches FROM ${schema}.daily UNION ALL
        SELECT hour DIV 24, query, readers, anonymous, searches FROM ${schema}.hourly) AS t
     LEFT JOIN ${schema}.query AS q ON q.id = t.query WHERE t.day >= ? GROUP BY t.day, q.key_hash`,
  spelling: (schema) =>
    `SELECT ${rowText('t.day', 'q.key_hash', 't.label', 't.searches')} FROM ${named(schema, 'spelling')}
     WHERE t.day >= ?`,
  answer: (schema) =>
    `SELECT ${rowText('q.key_hash', 'q.time_ms', 'a.corrected', 'a.books')} FROM ${schema}.query AS q
     LEFT JOIN ${schema}.answer AS a ON a.query = q.id WHERE q.time_ms >= ?`,
};
