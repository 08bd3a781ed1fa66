import { openSqliteRecommendationStore } from './recommendation-store.sqlite.ts';
import type { RecommendationStore } from './recommendation-store.ts';

/**
 * Opens what is known of readers where this shop keeps it.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export async function openRecommendationStore(options: {
  /** The SQLite file. */
  readonly path: string;
  readonly clock: () => number;
  readonly busyTimeoutMs: number;
  /** True when a checkpoint thread looks after the file. */
  readonly checkpointedElsewhere: boolean;
}): Promise<RecommendationStore> {
  return openSqliteRecommendationStore(options.path, options);
}
