import { existsSync } from 'node:fs';
import { openDeadLettersForReading } from './sqlite/dead-letters.ts';
import { lookInside, readSqliteProgress } from './sqlite/state-reader.ts';
import type { StateReader } from './state-reader.ts';
import type { StoreLocation } from './store-location.ts';

/**
 * @returns null where nothing has been kept yet.
 * @throws SamsaError, also its members: `data-folder-unusable`, `bad-configuration`, `store-unavailable` (retryable).
 */
export async function openStateReader(location: StoreLocation): Promise<StateReader | null> {
  if (location.kind === 'sqlite') return existsSync(location.path) ? readStateFile(location.path) : null;
  const { openMysqlStateReader } = await import('./mysql/state-reader.ts');
  return openMysqlStateReader(location);
}

function readStateFile(path: string): StateReader {
  const letters = openDeadLettersForReading(path);
  return {
    progress: async () => readSqliteProgress(path),
    inside: async (projection) => lookInside(path, projection),
    deadLetters: letters.read,
    close: async () => letters.close(),
  };
}
