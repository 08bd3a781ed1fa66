import { rowText, type ComparedTable, type StateOptions, type StoreLocation } from '../../progress/state.ts';
import { createDeadLetters, type DeadLetters } from '../../projection/dead-letters.ts';
import type { Projection } from '../../projection/projection.ts';
import type { Dialect } from '../../sql/statements.ts';
import { dayMs, hourMs } from '../../runtime/time.ts';
import { forgettableAt } from './store/forget-old-counts.ts';
import { openSqliteTrendStore } from './store/sqlite/trend-store.ts';
import { latestTimes } from './store/tables.ts';
import type { TrendStore } from './store/trend-store.ts';
import { createTrendProjection, type TrendChange, type TrendTopics } from './trend-projection.ts';

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
 * The dead letters of the trend service. The service may run meanwhile, since it notices what others count.
 * @param projectionName `trend.group_id`.
 * @param topics those of searches and of operators' decisions.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export async function openTrendDeadLetters(
  location: StoreLocation,
  options: StateOptions & { readonly projectionName: string; readonly topics: TrendTopics },
): Promise<DeadLetters & { readonly close: () => Promise<void> }> {
  const store = await openTrendStore(location, options);
  const projection = createTrendProjection(options.projectionName, options.topics);
  return { ...createDeadLetters(store, projection), close: store.close };
}

/** What `samsa rebuild` needs: the projection, how to open a draft of its state, and what of two states must be equal. */
export function openTrendRebuild(projectionName: string, topics: TrendTopics) {
  return {
    projection: createTrendProjection(projectionName, topics) satisfies Projection<TrendChange>,
    openState: (location: StoreLocation): Promise<TrendStore> =>
      openTrendStore(location, { clock: Date.now, busyTimeoutMs: 5_000, checkpointedElsewhere: false }),
    comparedTables: (
      kind: StoreLocation['kind'],
      newestMs: number,
      completeFrom: (topic: string) => number,
    ): readonly ComparedTable[] => comparedCounts(kind, newestMs, completeFrom(topics.searches)),
  };
}

/**
 * What must be equal in two states, in both databases. Left out: what one of them may have forgotten when `newestMs`
 * had arrived, and what happened before `fromMs`. Keys stand in place of query numbers. Sums by day include the hours,
 * because only one of the states may have rolled them up.
 */
function comparedCounts(dialect: Dialect, newestMs: number, fromMs: number): readonly ComparedTable[] {
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

/** A left join, so that counts of a missing query are seen. */
function named(schema: string, table: string): string {
  return `${schema}.${table} AS t LEFT JOIN ${schema}.query AS q ON q.id = t.query`;
}
