import type { SqliteDatabase } from '../../sqlite/connection.ts';
import type { Row } from './append-queue.ts';
import type { Ends } from './log-watch.ts';
import { recordTable } from './topics.ts';

/**
 * Writes rows in one transaction, all or none: raises the end of each partition, then puts its rows at their offsets, in
 * the order they came.
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

  return (rows) => {
    const ends = new Map<number, number>();
    database.transaction(() => {
      const arrivedMs = clock();
      for (const [number, ofPartition] of Map.groupBy(rows, (row) => row.number)) {
        const [end] = raiseEnd.get(ofPartition.length, number) as unknown as [number];
        ends.set(number, end);
        const insert = database.prepare(`INSERT INTO ${recordTable(number)} VALUES (?, ?, ?, ?, ?)`);
        let offset = end - ofPartition.length;
        for (const { key, value, headers } of ofPartition) insert.run(offset++, arrivedMs, key, value, headers);
      }
    });
    onWritten(ends);
  };
}
