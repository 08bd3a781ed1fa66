import type { ComparedTable } from '../../database/compare-states.ts';
import type { Projection } from '../../projection/projection.ts';
import { forgettableAt } from './kept-counts.ts';
import { openTrendStore } from './open-trend-store.ts';
import { createTrendProjection, type CountedSearch } from './trend-projection.ts';
import type { TrendStore } from './trend-store.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** What it takes to build the trend service's state anew: `topic` is that of searches, `projectionName` its group. */
export function openTrendRebuild(projectionName: string, topic: string) {
  return {
    projection: createTrendProjection(projectionName, topic) satisfies Projection<CountedSearch>,
    openState: (path: string): Promise<TrendStore> =>
      openTrendStore({ path, clock: Date.now, busyTimeoutMs: 5_000, checkpointedElsewhere: false }),
    comparedTables: (newestMs: number, completeFrom: (topic: string) => number): readonly ComparedTable[] =>
      comparedTables(newestMs, completeFrom(topic)),
  };
}

/**
 * What both states must have: nothing that one may have forgotten when `newestMs` had arrived, nothing that happened
 * before `fromMs`. Numbers given to queries and readers are replaced by their names; hours may be rolled up or not.
 */
function comparedTables(newestMs: number, fromMs: number): readonly ComparedTable[] {
  const { readersUpToHour, hourlyUpToHour, upToDay, queriesBeforeMs } = forgettableAt(newestMs);
  const fromHour = Math.ceil(fromMs / hourMs);
  const day = Math.max(upToDay + 1, Math.ceil(fromMs / dayMs));
  const named = (schema: string, table: string): string =>
    `${schema}.${table} AS t LEFT JOIN ${schema}.query AS q ON q.id = t.query`;
  return [
    {
      name: 'distinct_reader',
      rows: (schema) =>
        `SELECT t.hour, q.key, r.name FROM ${named(schema, 'distinct_reader')}
         LEFT JOIN ${schema}.reader AS r ON r.id = t.reader WHERE t.hour >= ?`,
      values: [Math.max(readersUpToHour + 1, fromHour)],
    },
    {
      name: 'hourly',
      rows: (schema) =>
        `SELECT t.hour, q.key, t.readers, t.anonymous, t.searches FROM ${named(schema, 'hourly')} WHERE t.hour >= ?`,
      values: [Math.max(hourlyUpToHour + 1, fromHour)],
    },
    {
      name: 'daily',
      rows: (schema) =>
        `SELECT t.day, q.key, sum(t.readers), sum(t.anonymous), sum(t.searches) FROM
           (SELECT day, query, readers, anonymous, searches FROM ${schema}.daily UNION ALL
            SELECT hour / 24, query, readers, anonymous, searches FROM ${schema}.hourly) AS t
         LEFT JOIN ${schema}.query AS q ON q.id = t.query WHERE t.day >= ? GROUP BY t.day, t.query`,
      values: [day],
    },
    {
      name: 'spelling',
      rows: (schema) => `SELECT t.day, q.key, t.label, t.searches FROM ${named(schema, 'spelling')} WHERE t.day >= ?`,
      values: [day],
    },
    {
      name: 'answer',
      rows: (schema) =>
        `SELECT q.key, t.time_ms, a.corrected, a.books FROM ${named(schema, 'last_search')}
         LEFT JOIN ${schema}.answer AS a ON a.query = t.query WHERE t.time_ms >= ?`,
      values: [Math.max(queriesBeforeMs, fromMs)],
    },
  ];
}
