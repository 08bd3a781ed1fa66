import type { StateOptions, StoreLocation } from '../../../progress/store-location.ts';
import { openSqliteRecommendationStore, type SqliteRecommendationOptions } from './sqlite/recommendation-store.ts';
import type { RecommendationStore } from './recommendation-store.ts';

/**
 * Opens what is known of readers where this shop keeps it. The driver of a database is loaded only where there is one.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`, and what `openMysql` throws.
 */
export async function openRecommendationStore(
  location: StoreLocation,
  options: StateOptions & Pick<SqliteRecommendationOptions, 'books'>,
): Promise<RecommendationStore> {
  if (location.kind === 'sqlite') return openSqliteRecommendationStore(location.path, options);
  const { openMysqlRecommendationStore } = await import('./mysql/recommendation-store.ts');
  return openMysqlRecommendationStore(location, options);
}
