import { existsSync } from 'node:fs';
import { openSqlite } from '../../sqlite/connection.ts';
import { compactRecords } from './compact-records.ts';
import { expireRecords } from './expire-records.ts';
import { logMigrations } from './topics.ts';

/**
 * Removes from the log at `path`, if there is one, what its topics need no longer keep; run on the checkpoint thread. It
 * stops after the transaction in hand when the signal fires, and goes on there the next time.
 */
export default async function tidyLog(path: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(path)) return;
  const database = openSqlite(path, {
    migrations: logMigrations,
    busyTimeoutMs: 1_000,
    checkpointedElsewhere: true,
    cacheKiB: 1_024,
  });
  try {
    const nowMs = Date.now();
    await expireRecords(database, nowMs, signal);
    await compactRecords(database, nowMs, signal);
  } finally {
    database.close();
  }
}
