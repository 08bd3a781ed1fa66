import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { forgettableAt, forgottenPerCommit } from '../../counting/kept-counts.ts';

/**
 * Removes what is behind the watermark, a bounded number of rows at a time, and rolls hours up into days. One instance
 * at a time does it, inside a commit; the others go on without waiting. No record still to come can touch such rows.
 */
export async function forgetOldCounts(connection: MysqlConnection, watermarkMs: number): Promise<void> {
  const { hour, readersUpToHour, hourlyUpToHour, upToDay, queriesBeforeMs } = forgettableAt(watermarkMs);
  const due = await connection.rows('SELECT 1 FROM state.forgetting WHERE done_up_to_hour < ?', [hour]);
  if (due.length === 0) return;
  const mine = await connection.rows(
    'SELECT id FROM state.forgetting WHERE id = 1 AND done_up_to_hour < ? FOR UPDATE SKIP LOCKED',
    [hour],
  );
  if (mine.length === 0) return;
  const removed = [
    await remove(connection, 'state.distinct_reader WHERE hour <= ? ORDER BY hour, query, reader', readersUpToHour),
    await rollUpHours(connection, hourlyUpToHour),
    await remove(connection, 'state.daily WHERE day <= ? ORDER BY day, query', upToDay),
    await remove(connection, 'state.spelling WHERE day <= ? ORDER BY day, query, label', upToDay),
  ];
  if (removed.some((rows) => rows === forgottenPerCommit)) return;
  // Only when nothing refers to them any more.
  if ((await forgetQueries(connection, queriesBeforeMs)) === forgottenPerCommit) return;
  await connection.change('UPDATE state.forgetting SET done_up_to_hour = ? WHERE id = 1', [hour]);
}

async function remove(connection: MysqlConnection, rows: string, upTo: number): Promise<number> {
  return connection.change(`DELETE FROM ${rows} LIMIT ?`, [upTo, forgottenPerCommit]);
}

async function rollUpHours(connection: MysqlConnection, upToHour: number): Promise<number> {
  const rows = await connection.rows(
    `SELECT hour, query, readers, anonymous, searches FROM state.hourly WHERE hour <= ?
     ORDER BY hour, query LIMIT ? FOR UPDATE`,
    [upToHour, forgottenPerCommit],
  );
  const last = rows.at(-1);
  if (last === undefined) return 0;
  await connection.insert(
    `INSERT INTO state.daily (day, query, readers, anonymous, searches) VALUES ? ON DUPLICATE KEY UPDATE
       readers = readers + VALUES(readers), anonymous = anonymous + VALUES(anonymous),
       searches = searches + VALUES(searches)`,
    rows.map((row) => [
      Math.floor(Number(row['hour']) / 24),
      Number(row['query']),
      Number(row['readers']),
      Number(row['anonymous']),
      Number(row['searches']),
    ]),
  );
  const [hour, query] = [Number(last['hour']), Number(last['query'])];
  await connection.change('DELETE FROM state.hourly WHERE hour < ? OR (hour = ? AND query <= ?)', [hour, hour, query]);
  return rows.length;
}

/** Without an index on the times, which change with every search: this reads all queries, once an hour. */
async function forgetQueries(connection: MysqlConnection, beforeMs: number): Promise<number> {
  const old = await connection.rows('SELECT id FROM state.query WHERE time_ms < ? LIMIT ?', [
    beforeMs,
    forgottenPerCommit,
  ]);
  if (old.length === 0) return 0;
  // Somebody may be searching for one of them at this moment: that one stays.
  const rows = await connection.rows(
    'SELECT id FROM state.query WHERE id IN (?) AND time_ms < ? FOR UPDATE SKIP LOCKED',
    [old.map((row) => Number(row['id'])), beforeMs],
  );
  const ids = rows.map((row) => Number(row['id']));
  if (ids.length > 0) {
    await connection.change('DELETE FROM state.answer WHERE query IN (?)', [ids]);
    await connection.change('DELETE FROM state.query WHERE id IN (?)', [ids]);
  }
  return old.length;
}
