import type { StatementSync } from 'node:sqlite';
import { headersIn, type StoredRecord } from '../../events/record.ts';
import type { SqliteDatabase } from '../../sqlite/connection.ts';
import type { ReadRequest, ReadResult } from '../log.ts';
import type { Row } from './group-commit.ts';
import { recordTable } from './topics.ts';
import type { Ends } from './waiting-reads.ts';

export type RecordReader = {
  /** The records of one partition from `request.from` on, as of one moment, without waiting. */
  readonly read: (partitionNumber: number, request: ReadRequest) => ReadResult;
  readonly endOf: (partitionNumber: number) => number;
};

/** One read returns at most this many, however small they are. */
const mostRecords = 10_000;

export function createRecordReader(database: SqliteDatabase): RecordReader {
  const selectEnds = database.prepare('SELECT start_offset, end_offset FROM partition WHERE number = ?');
  selectEnds.setReturnArrays(true);
  const selectFrom = (partitionNumber: number): StatementSync => {
    const select = database.prepare(
      `SELECT log_offset, arrived_ms, length(key), length(value),
         CAST(coalesce(key, x'') || coalesce(value, x'') || headers AS BLOB)
       FROM ${recordTable(partitionNumber)} WHERE log_offset >= ? ORDER BY log_offset LIMIT ${mostRecords}`,
    );
    select.setReturnArrays(true);
    return select;
  };

  const endsOf = (partitionNumber: number): readonly [start: number, end: number] =>
    selectEnds.get(partitionNumber) as unknown as readonly [number, number];

  const readNow = (partitionNumber: number, request: ReadRequest): ReadResult => {
    const [start, end] = endsOf(partitionNumber);
    const from = Math.max(request.from, start);
    if (from >= end) return { records: [], next: from, skipped: [], start, end };
    const rows = selectFrom(partitionNumber).iterate(from) as unknown as Iterable<RecordRow>;
    const { records, complete } = takeRecords(rows, request);
    return { records, next: complete ? end : records.at(-1)!.offset + 1, skipped: [], start, end };
  };

  /** Ends and records in one read transaction, so that another process cannot remove records in between. */
  const read = (partitionNumber: number, request: ReadRequest): ReadResult => {
    database.prepare('BEGIN').run();
    try {
      return readNow(partitionNumber, request);
    } finally {
      endRead(database);
    }
  };

  return { read, endOf: (partitionNumber) => endsOf(partitionNumber)[1] };
}

/** When the disk failed, SQLite has ended the transaction already; the first failure is the one to report. */
function endRead(database: SqliteDatabase): void {
  try {
    database.prepare('COMMIT').run();
  } catch {
    // Nothing was written, so there is nothing to lose.
  }
}

/** Key, value and headers come as one run of bytes: one array costs far less than three. */
type RecordRow = readonly [
  offset: number,
  arrivedMs: number,
  keyBytes: number | null,
  valueBytes: number | null,
  bytes: Uint8Array,
];

function takeRecords(
  rows: Iterable<RecordRow>,
  { topic, partition, maxBytes }: ReadRequest,
): { records: readonly StoredRecord[]; complete: boolean } {
  const records: StoredRecord[] = [];
  let bytes = 0;
  for (const [offset, timestamp, keyBytes, valueBytes, all] of rows) {
    bytes += all.byteLength;
    if (bytes > maxBytes && records.length > 0) return { records, complete: false };
    const valueAt = keyBytes ?? 0;
    const headersAt = valueAt + (valueBytes ?? 0);
    records.push({
      topic,
      partition,
      offset,
      timestamp,
      key: keyBytes === null ? null : all.subarray(0, valueAt),
      value: valueBytes === null ? null : all.subarray(valueAt, headersAt),
      headers: headersIn(all.subarray(headersAt)),
    });
  }
  return { records, complete: records.length < mostRecords };
}

/**
 * Writes rows in one transaction: raises the end of each partition, then inserts its rows in the order given.
 * `onWritten` gets the new ends after the commit.
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
