import type { StateOptions, StoreLocation } from '../../database/store-location.ts';
import type { TrendStore } from './trend-store.ts';
import { openSqliteTrendStore } from './trend-store.sqlite.ts';

/**
 * Opens the counts where this shop keeps them. The driver of a database is loaded only where there is one.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`, and what `openMysql` throws.
 */
export async function openTrendStore(location: StoreLocation, options: StateOptions): Promise<TrendStore> {
  if (location.kind === 'sqlite') return openSqliteTrendStore(location.path, options);
  const { openMysqlTrendStore } = await import('./trend-store.mysql.ts');
  return openMysqlTrendStore(location, options);
}
