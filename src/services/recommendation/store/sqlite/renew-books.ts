import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { tombstoneRetentionMs } from '../../../../events/topics.ts';

/** When something was last committed: the age of the copy of the books. */
export const lastCommitSchema =
  'CREATE TABLE last_commit (only INTEGER PRIMARY KEY CHECK (only = 1), ms INTEGER NOT NULL)';

/** Inside the open transaction. */
export function rememberCommit(database: SqliteDatabase, nowMs: number): void {
  database.prepare('INSERT INTO last_commit VALUES (1, ?) ON CONFLICT DO UPDATE SET ms = excluded.ms').run(nowMs);
}

/**
 * Has the books read again from the start of their topic when nothing was committed for 30 days: the topic may no
 * longer say which of them were removed. What is known of readers stays. Until they are read, the books are gone; those
 * who follow their change numbers see them go and come.
 * @returns whether that was done.
 * @throws SamsaError `store-unavailable` (retryable)
 */
export function renewOldBooks(database: SqliteDatabase, topic: string, nowMs: number): boolean {
  return database.transaction(() => {
    const committedMs = database.prepare('SELECT ms FROM last_commit').get()?.['ms'];
    if (committedMs === undefined || nowMs - Number(committedMs) <= tombstoneRetentionMs) return false;
    database
      .prepare(
        `UPDATE book SET version = -1, json = NULL,
           change_number = change_number + (SELECT max(change_number) FROM book)`,
      )
      .run();
    for (const table of ['lease', 'mark']) {
      database
        .prepare(`DELETE FROM ${table} WHERE position_id IN (SELECT id FROM position WHERE topic = ?)`)
        .run(topic);
    }
    database.prepare('DELETE FROM position WHERE topic = ?').run(topic);
    // What they changed is gone: should they be dead again, they wait again.
    database.prepare("DELETE FROM dead_letter WHERE topic = ? AND status = 'redriven'").run(topic);
    rememberCommit(database, nowMs);
    return true;
  });
}
