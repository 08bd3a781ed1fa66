import { existsSync } from 'node:fs';
import { openSqlite } from '../database/sqlite-database.ts';
import { expireRecords } from './expire-records.ts';
import { logMigrations } from './sqlite-topics.ts';

/** Removes what has expired from the log at `path`, if there is one; run on the checkpoint thread. */
export default async function expireLog(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const database = openSqlite(path, {
    migrations: logMigrations,
    busyTimeoutMs: 1_000,
    checkpointedElsewhere: true,
    cacheKiB: 1_024,
  });
  try {
    await expireRecords(database, Date.now());
  } finally {
    database.close();
  }
}
