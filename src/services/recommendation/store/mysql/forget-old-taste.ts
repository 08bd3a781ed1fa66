import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { forgettableTaste } from '../kept-taste.ts';

/** So that no commit holds others up for long. */
const forgottenPerCommit = 2_000;

/**
 * Removes what the topics no longer keep, a bounded number of rows at a time. One instance at a time does it, inside a
 * commit; the others go on without waiting.
 */
export async function forgetOldTaste(connection: MysqlConnection, watermarkMs: number): Promise<void> {
  const { day, rows } = forgettableTaste(watermarkMs);
  const isDue = "FROM state.turn WHERE name = 'old' AND value < ?";
  if ((await connection.rows(`SELECT 1 ${isDue}`, [day])).length === 0) return;
  if ((await connection.rows(`SELECT 1 ${isDue} FOR UPDATE SKIP LOCKED`, [day])).length === 0) return;
  let isDone = true;
  for (const { table, time, beforeMs } of rows) {
    const sql = `DELETE FROM state.${table} WHERE ${time} < ? ORDER BY ${time} LIMIT ?`;
    const removed = await connection.change(sql, [beforeMs, forgottenPerCommit]);
    isDone &&= removed < forgottenPerCommit;
  }
  if (isDone) await connection.change("UPDATE state.turn SET value = ? WHERE name = 'old'", [day]);
}
