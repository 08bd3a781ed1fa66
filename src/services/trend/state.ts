import { rowText, type ComparedTable, type StateOptions, type StoreLocation } from '../../progress/state.ts';
import { dayMs, hourMs } from '../../runtime/time.ts';
import type { Dialect } from '../../sql/statements.ts';
import { forgettableAt } from './store/forget-old-counts.ts';
import { openSqliteTrendStore } from './store/sqlite/trend-store.ts';
import { latestTimes } from './store/tables.ts';
import type { TrendStore } from './store/trend-store.ts';
import { createTrendProjection, type TrendTopics } from './trend-projection.ts';

/**
 * Opens the counts of the trend service. The database driver is loaded only if the shop uses a database.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`, and what `openMysql` throws.
 */
export async function openTrendStore(location: StoreLocation, options: StateOptions): Promise<TrendStore> {
  if (location.kind === 'sqlite') return openSqliteTrendStore(location.path, options);
  const { openMysqlTrendStore } = await import('./store/mysql/trend-store.ts');
  return openMysqlTrendStore(location, options);
}

/**
 * What commands need to rebuild, move or repair the counts: how they are made, and what of two states must be equal.
 * @param projectionName `trend.group_id`.
 */
export function describeTrendState(projectionName: string, topics: TrendTopics) {
  return {
    projection: createTrendProjection(projectionName, topics),
    comparedTables: (
      kind: StoreLocation['kind'],
      newestMs: number,
      completeFrom: (topic: string) => number,
    ): readonly ComparedTable[] => comparedTables(kind, newestMs, completeFrom(topics.searches)),
  };
}

/**
 * What must be equal in two states, in both databases. Left out: what one of them may have forgotten when `newestMs`
 * had arrived, and what happened before `fromMs`. Keys replace query numbers, which differ between states. Sums by day
 * include the hours, because only one of the states may have rolled them up.
 */
function comparedTables(dialect: Dialect, newestMs: number, fromMs: number): readonly ComparedTable[] {
  const { readersUpToHour, hourlyUpToHour, upToDay, queriesBeforeMs } = forgettableAt(newestMs);
  const latest = latestTimes[dialect];
  const fromHour = Math.ceil(fromMs / hourMs);
  const day = Math.max(upToDay + 1, Math.ceil(fromMs / dayMs));
  /** A left join, so that counts of a missing query are seen. */
  const counts = (name: string, time: 'hour' | 'day', from: number, ...columns: readonly string[]): ComparedTable => ({
    name,
    rows: (schema) =>
      `SELECT ${rowText(dialect, `t.${time}`, 'q.query_key', ...columns.map((column) => `t.${column}`))}
       FROM ${schema}.${name} AS t LEFT JOIN ${schema}.query AS q ON q.id = t.query WHERE t.${time} >= ?`,
    values: [from],
  });
  return [
    counts('hourly_reader', 'hour', Math.max(readersUpToHour + 1, fromHour), 'reader'),
    counts('hourly', 'hour', Math.max(hourlyUpToHour + 1, fromHour), 'readers', 'anonymous', 'searches', 'places'),
    {
      name: 'daily',
      rows: (schema) =>
        `SELECT ${rowText(dialect, 't.day', 'q.query_key', 'SUM(t.readers)', 'SUM(t.anonymous)', 'SUM(t.searches)')} FROM
           (SELECT day, query, readers, anonymous, searches FROM ${schema}.daily UNION ALL
            SELECT CAST((hour - hour % 24) / 24 AS SIGNED), query, readers, anonymous, searches FROM ${schema}.hourly) AS t
         LEFT JOIN ${schema}.query AS q ON q.id = t.query WHERE t.day >= ? GROUP BY t.day, q.query_key`,
      values: [day],
    },
    counts('spelling', 'day', day, 'label', 'readers', 'places'),
    counts('lead', 'day', day, 'book', 'searches'),
    counts('unanswered', 'hour', Math.max((upToDay + 1) * 24, fromHour), 'searches', 'last_ms'),
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
