import { existsSync } from 'node:fs';
import { openSqliteStateReader } from './sqlite/state-reader.ts';
import type { StateReader } from './state-reader.ts';
import type { StoreLocation } from './store-location.ts';

/**
 * @returns null where no state has been kept yet.
 * @throws SamsaError, also its members: `data-folder-unusable`, `bad-configuration`, `store-unavailable` (retryable).
 */
export async function openStateReader(location: StoreLocation): Promise<StateReader | null> {
  if (location.kind === 'sqlite') return existsSync(location.path) ? openSqliteStateReader(location.path) : null;
  const { openMysqlStateReader } = await import('./mysql/state-reader.ts');
  return openMysqlStateReader(location);
}
