import type { TrendStore } from './trend-store.ts';
import { openSqliteTrendStore } from './trend-store.sqlite.ts';

/**
 * Opens the counts where this shop keeps them.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export async function openTrendStore(options: {
  /** The SQLite file. */
  readonly path: string;
  readonly clock: () => number;
  /** At most 50 on a thread that answers requests. */
  readonly busyTimeoutMs: number;
  /** True when a checkpoint thread looks after the file. */
  readonly checkpointedElsewhere: boolean;
}): Promise<TrendStore> {
  return openSqliteTrendStore(options.path, options);
}
