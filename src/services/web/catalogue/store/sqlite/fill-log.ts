import { existsSync } from 'node:fs';
import type { EventLog } from '../../../../../log/log.ts';
import { openSqlite, type SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { knowsTopic, putMissingAgain } from '../../outbox/changes-in-log.ts';
import { catalogueMigrations } from './book-rows.ts';
import { openSqliteCatalogue } from './catalogue.ts';

const busyTimeoutMs = 5_000;

/**
 * For a log that was lost, or was restored from a backup while the catalogue has later changes: sends the books that it
 * lacks again. Does nothing while the log holds as many changes as left the outbox; counting shows that. Call it after
 * `raiseAboveLog`.
 * @returns how many books are sent; `null` when the log does not answer.
 * @throws SamsaError as `putMissingAgain`.
 */
export async function fillLog(
  { path, log, topic }: { readonly path: string; readonly log: EventLog; readonly topic: string },
  clock: () => number,
): Promise<number | null> {
  if (!existsSync(path)) return 0;
  const database = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs });
  try {
    // Read before the log: what leaves the outbox meanwhile is in the log by then.
    const sent = sentChanges(database);
    const isKnown = await knowsTopic(log, topic);
    if (isKnown === null) return null;
    const partitions = isKnown ? (await log.describe(topic)).partitions : [];
    const lost = sent - partitions.reduce((sum, { end }) => sum + end, 0);
    if (lost <= Number(database.prepare('SELECT number FROM lost_changes').get()?.['number'])) return 0;
    await using shop = openSqliteCatalogue(path, { clock, busyTimeoutMs });
    const missing = await putMissingAgain(shop, log, topic);
    database.transaction(() => database.prepare('UPDATE lost_changes SET number = ?').run(lost));
    return missing;
  } finally {
    database.close();
  }
}

/** Every change is a row of the outbox until it is in the log. Ids of rows are never given twice. */
function sentChanges(database: SqliteDatabase): number {
  const row = database
    .prepare(
      `SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0) - (SELECT COUNT(*) FROM outbox) AS sent`,
    )
    .get();
  return Number(row?.['sent']);
}
