import type { TopicNames } from '../../events/topics.ts';
import type { ComparedTable, StateOptions, StoreLocation } from '../../progress/state.ts';
import { createRecommendationProjection } from './recommendation-projection.ts';
import { comparedTables } from './store/taste-tables.ts';
import type { BookRenewal, RecommendationStore } from './store/recommendation-store.ts';
import { openSqliteRecommendationStore } from './store/sqlite/recommendation-store.ts';

/**
 * Opens the state of the recommendation service. The database driver is loaded only if the shop uses a database.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`, and what `openMysql` throws.
 */
export async function openRecommendationStore(
  location: StoreLocation,
  options: StateOptions & { readonly books?: BookRenewal },
): Promise<RecommendationStore> {
  if (location.kind === 'sqlite') return openSqliteRecommendationStore(location.path, options);
  const { openMysqlRecommendationStore } = await import('./store/mysql/recommendation-store.ts');
  return openMysqlRecommendationStore(location, options);
}

/**
 * What commands need to rebuild, move or repair the state: how it is made, and what of two states must be equal.
 * @param projectionName `recommendation.group_id`.
 */
export function describeRecommendationState(projectionName: string, topics: TopicNames) {
  return {
    projection: createRecommendationProjection(projectionName, topics),
    comparedTables: (
      kind: StoreLocation['kind'],
      newestMs: number,
      completeFrom: (topic: string) => number,
    ): readonly ComparedTable[] => {
      const completeFromMs = { searches: completeFrom(topics.searches), actions: completeFrom(topics.actions) };
      return comparedTables(kind, newestMs, completeFromMs);
    },
  };
}
