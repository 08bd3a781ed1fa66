import type { ComparedTable, StateOptions, StoreLocation } from '../../progress/state.ts';
import { createDeadLetters, type DeadLetters } from '../../projection/dead-letters.ts';
import type { Projection } from '../../projection/projection.ts';
import { comparedCounts } from './store/compared-counts.ts';
import { openSqliteTrendStore } from './store/sqlite/trend-store.ts';
import type { TrendStore } from './store/trend-store.ts';
import { createTrendProjection, type TrendChange, type TrendTopics } from './trend-projection.ts';

/**
 * Opens the counts where this shop keeps them. The driver of a database is loaded only where there is one.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`, and what `openMysql` throws.
 */
export async function openTrendStore(location: StoreLocation, options: StateOptions): Promise<TrendStore> {
  if (location.kind === 'sqlite') return openSqliteTrendStore(location.path, options);
  const { openMysqlTrendStore } = await import('./store/mysql/trend-store.ts');
  return openMysqlTrendStore(location, options);
}

/**
 * The dead letters of the trend service, which may run at the same time: it notices what others count.
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
