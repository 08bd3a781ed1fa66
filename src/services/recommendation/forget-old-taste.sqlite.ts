import type { SqliteDatabase } from '../../database/sqlite-database.ts';
import { topicRetention } from '../../events/topics.ts';

const dayMs = 86_400_000;
const kept = [
  { table: 'search', time: 'time_ms', retentionMs: topicRetention.searches.retentionMs },
  { table: 'liking', time: 'time_ms', retentionMs: topicRetention.actions.retentionMs },
  { table: 'verdict', time: 'time_ms', retentionMs: topicRetention.actions.retentionMs },
  { table: 'forgotten', time: 'until_ms', retentionMs: topicRetention.actions.retentionMs },
] as const;

/**
 * Once for each day the watermark enters, removes what the topics no longer keep when that day ends. No event happens
 * after it arrives, so a rebuild finds all that is left here in the topics; and no record still to come can touch what
 * is removed: it would be late.
 * @returns a function for the open transaction; a day is done when nothing was left to remove, as a commit may fail.
 */
export function createForgetting(database: SqliteDatabase): (watermarkMs: number) => void {
  let doneDay = Number.NEGATIVE_INFINITY;
  return (watermarkMs) => {
    const day = Math.floor(watermarkMs / dayMs);
    if (day <= doneDay) return;
    let removed = 0;
    for (const { table, time, retentionMs } of kept) {
      const statement = database.prepare(`DELETE FROM ${table} WHERE ${time} < ?`);
      removed += Number(statement.run((day + 1) * dayMs - retentionMs).changes);
    }
    if (removed === 0) doneDay = day;
  };
}
