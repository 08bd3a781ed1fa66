import { openSqliteRecommendationStore, type SqliteRecommendationOptions } from './recommendation-store.sqlite.ts';
import type { RecommendationStore } from './recommendation-store.ts';

/**
 * Opens what is known of readers where this shop keeps it.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export async function openRecommendationStore(
  options: SqliteRecommendationOptions & {
    /** The SQLite file. */
    readonly path: string;
  },
): Promise<RecommendationStore> {
  return openSqliteRecommendationStore(options.path, options);
}
