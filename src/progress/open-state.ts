import { existsSync } from 'node:fs';
import { openSqliteDraft, openSqliteStateReader } from './sqlite/open-state.ts';
import type { StateReader, StoreLocation, StateDraft } from './state.ts';

/**
 * @returns null when there is no state yet.
 * @throws SamsaError, as do the reader's functions: `data-folder-unusable`, `bad-configuration`, `store-unavailable`
 *   (retryable).
 */
export async function openStateReader(location: StoreLocation): Promise<StateReader | null> {
  if (location.kind === 'sqlite') return existsSync(location.path) ? openSqliteStateReader(location.path) : null;
  const { openMysqlStateReader } = await import('./mysql/open-state.ts');
  return openMysqlStateReader(location);
}

/** @throws SamsaError `already-running` when another process is rebuilding it, and what the database throws. */
export async function openStateDraft(location: StoreLocation, projection: string): Promise<StateDraft> {
  if (location.kind === 'sqlite') return openSqliteDraft(location.path);
  const { openMysqlDraft } = await import('./mysql/open-state.ts');
  return openMysqlDraft(location, projection);
}
