import type { StoreLocation } from '../store-location.ts';
import { besideFile } from '../sqlite/rebuild-place.ts';
import type { RebuildPlace } from './rebuild-place.ts';

/** @throws SamsaError `already-running` when another process is rebuilding it, and what the database throws. */
export async function openRebuildPlace(location: StoreLocation, projection: string): Promise<RebuildPlace> {
  if (location.kind === 'sqlite') return besideFile(location.path);
  const { openMysqlRebuildPlace } = await import('../mysql/rebuild-place.ts');
  return openMysqlRebuildPlace(location, projection);
}
