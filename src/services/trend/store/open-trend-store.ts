import type { StateOptions, StoreLocation } from '../../../progress/store-location.ts';
import type { TrendStore } from './trend-store.ts';
import { openSqliteTrendStore } from './sqlite/trend-store.ts';

/**
 * Opens the counts where this shop keeps them. The driver of a database is loaded only where there is one.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`, and what `openMysql` throws.
 */
export async function openTrendStore(location: StoreLocation, options: StateOptions): Promise<TrendStore> {
  if (location.kind === 'sqlite') return openSqliteTrendStore(location.path, options);
  const { openMysqlTrendStore } = await import('./mysql/trend-store.ts');
  return openMysqlTrendStore(location, options);
}
