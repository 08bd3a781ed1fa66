import type { ComparedTable, StateOptions, StoreLocation } from '../../progress/state.ts';
import { comparedTables } from './store/compared-tables.ts';
import { openSqliteTrendStore } from './store/sqlite/trend-store.ts';
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
