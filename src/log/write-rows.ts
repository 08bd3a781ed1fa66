import type { StatementSync } from 'node:sqlite';
import type { SqliteDatabase } from '../database/sqlite-database.ts';
import type { Row } from './append-queue.ts';
import type { Ends } from './log-watch.ts';
import { recordTable } from './sqlite-topics.ts';

/**
 * Writes rows in one transaction, all or none: raises the ends of their partitions, then puts each row at its offset.
 * `onWritten` is told the new ends once they are committed.
 */
export function createRowWriter(
  database: SqliteDatabase,
  clock: () => number,
  onWritten: (ends: Ends) => void,
): (rows: readonly Row[]) => void {
  const raiseEnd = database.prepare(
    'UPDATE partition SET end_offset = end_offset + ? WHERE number = ? RETURNING end_offset',
  );
  raiseEnd.setReturnArrays(true);
  const inserts = new Map<number, StatementSync>();
  const insertInto = (number: number): StatementSync => {
    let insert = inserts.get(number);
    if (insert === undefined) {
      insert = database.prepare(`INSERT INTO ${recordTable(number)} VALUES (?, ?, ?, ?, ?)`);
      inserts.set(number, insert);
    }
    return insert;
  };

  return (rows) => {
    const ends = new Map<number, number>();
    database.transaction(() => {
      const arrivedMs = clock();
      const counts = new Map<number, number>();
      for (const { number } of rows) counts.set(number, (counts.get(number) ?? 0) + 1);
      const next = new Map<number, number>();
      for (const [number, count] of counts) {
        const [end] = raiseEnd.get(count, number) as unknown as [number];
        ends.set(number, end);
        next.set(number, end - count);
      }
      for (const { number, key, value, headers } of rows) {
        const offset = next.get(number)!;
        next.set(number, offset + 1);
        insertInto(number).run(offset, arrivedMs, key, value, headers);
      }
    });
    onWritten(ends);
  };
}
