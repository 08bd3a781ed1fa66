import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { forgettableTaste } from '../kept-taste.ts';

/**
 * Once for each day the watermark enters, removes what the topics no longer keep.
 * @returns a function for the open transaction; a day is done when nothing was left to remove, as a commit may fail.
 */
export function createForgetting(database: SqliteDatabase): (watermarkMs: number) => void {
  let doneDay = Number.NEGATIVE_INFINITY;
  return (watermarkMs) => {
    const { day, rows } = forgettableTaste(watermarkMs);
    if (day <= doneDay) return;
    let removed = 0;
    for (const { table, time, beforeMs } of rows) {
      removed += Number(database.prepare(`DELETE FROM ${table} WHERE ${time} < ?`).run(beforeMs).changes);
    }
    if (removed === 0) doneDay = day;
  };
}
