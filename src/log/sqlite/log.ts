import type { StatementSync } from 'node:sqlite';
import { encodeHeaders, headersIn, type NewRecord, type StoredRecord } from '../../events/record.ts';
import { openSqlite, type SqliteDatabase } from '../../sqlite/connection.ts';
import { SamsaError } from '../../errors.ts';
import { logError } from '../../sqlite/errors.ts';
import { createGroupCommit, type Row } from './group-commit.ts';
import { createWaitingReads, type Ends } from './waiting-reads.ts';
import type { EventLog, ReadRequest, ReadResult } from '../log.ts';
import { partitionOf, requirePartition } from '../topic-rules.ts';
import { retry } from '../../runtime/waiting.ts';
import { createSqliteTopics, logMigrations, recordTable, type SqliteTopic, type SqliteTopics } from './topics.ts';

export type SqliteLogOptions = {
  /** The time of arrival of appended records. */
  readonly clock: () => number;
  /** How long one attempt to write may block this thread; at most 50 where requests are answered. */
  readonly busyTimeoutMs: number;
  /** `normal` survives a killed process, `full` a power cut. */
  readonly sync?: 'normal' | 'full';
  /** True when a checkpoint thread checkpoints the file. */
  readonly checkpointedElsewhere?: boolean;
  /** As `SqliteOptions`. */
  readonly checkpointBytes?: number;
  /** How long `append` and `create` wait for a busy or full store before they fail; 2,000 unless given. */
  readonly patienceMs?: number;
  /** How many records may wait to be written; 50,000 unless given. */
  readonly waitingRecords?: number;
  /** How many bytes may wait to be written; 64 MiB unless given. */
  readonly waitingBytes?: number;
};

export const defaultPatienceMs = 2_000;

/** One signal for all logs of a process. A signal of another log costs waiting reads one useless look. */
export const logSignalName = 'samsa log';

/**
 * The event log in one SQLite file, which several processes may have open at once. Appends of one turn of the event
 * loop are committed together on its next turn. A waiting read sees a record at once when this process appended it,
 * also in another thread (see `shareLogSignal`). When appends follow each other closely, or another process appends, it
 * takes up to about 10 ms; up to about 30 ms when another process appends after a second without records.
 * @throws SamsaError as `openSqlite`, but `log-unavailable` in place of `store-unavailable`.
 */
export function openSqliteLog(path: string, options: SqliteLogOptions): EventLog {
  try {
    return createLog(openFile(path, options), options);
  } catch (error) {
    throw logError(path, error);
  }
}

function openFile(path: string, options: SqliteLogOptions): SqliteDatabase {
  return openSqlite(path, {
    migrations: logMigrations,
    busyTimeoutMs: options.busyTimeoutMs,
    sync: options.sync ?? 'normal',
    checkpointedElsewhere: options.checkpointedElsewhere ?? false,
    ...(options.checkpointBytes !== undefined && { checkpointBytes: options.checkpointBytes }),
  });
}

function createLog(database: SqliteDatabase, options: SqliteLogOptions): EventLog {
  const { path } = database;
  const patienceMs = options.patienceMs ?? defaultPatienceMs;
  const topics = createSqliteTopics(database);
  const reader = createRecordReader(database);
  const waitingReads = createWaitingReads({
    name: logSignalName,
    version: database.dataVersion,
    endOf: reader.endOf,
  });
  const write = createRowWriter(database, options.clock, waitingReads.wake);
  const commit = createGroupCommit({
    write: (rows) => {
      try {
        write(rows);
      } catch (error) {
        throw logError(path, error);
      }
    },
    patienceMs,
    limitRecords: options.waitingRecords ?? 50_000,
    limitBytes: options.waitingBytes ?? 64 << 20,
  });
  const toRow = createRowMaker(topics);
  let closing: Promise<void> | null = null;

  const whileOpen = <Result>(use: () => Result): Result => {
    if (closing !== null) throw new SamsaError('log-closed', `${path}: the log has been closed`);
    try {
      return use();
    } catch (error) {
      throw logError(path, error);
    }
  };

  return {
    append: async (records) => {
      const rows = whileOpen(() => records.map(toRow));
      if (rows.length > 0) await commit.append(rows);
    },
    read: async (request) => {
      const giveUpAtMs = performance.now() + request.waitMs;
      for (;;) {
        const number = whileOpen(() => partitionNumber(path, topics.find(request.topic), request));
        const result = whileOpen(() => reader.read(number, request));
        const leftMs = giveUpAtMs - performance.now();
        if (!isEmpty(result, request) || leftMs <= 0 || request.signal.aborted) return result;
        const woken = await waitingReads.wait(number, request.from, leftMs, request.signal);
        if (!woken) return whileOpen(() => result);
      }
    },
    describe: async (topic) => whileOpen(() => topics.describe(topic)),
    create: (topic, settings) => retry(() => whileOpen(() => topics.create(topic, settings)), { withinMs: patienceMs }),
    close: () => {
      closing ??= commit.drain().finally(database.close);
      waitingReads.endWaits();
      return closing;
    },
  };
}

/** No record yet, no gap at the start, and no position beyond the end. */
function isEmpty({ records, next, end }: ReadResult, { from }: ReadRequest): boolean {
  return records.length === 0 && next === from && end === from;
}

function partitionNumber(path: string, { id, numbers }: SqliteTopic, request: ReadRequest): number {
  requirePartition(path, { id, partitions: numbers.length }, request);
  return numbers[request.partition]!;
}

/** Records without a key go to the partitions in turn. */
function createRowMaker(topics: SqliteTopics): (record: NewRecord) => Row {
  let turn = 0;
  return ({ topic, key, value, headers }) => {
    const { numbers } = topics.find(topic);
    const partition = key === null ? turn++ % numbers.length : partitionOf(key, numbers.length);
    return { number: numbers[partition]!, key, value, headers: encodeHeaders(headers) };
  };
}

type RecordReader = {
  /** The records of one partition from `request.from` on, as of one moment, without waiting. */
  readonly read: (partitionNumber: number, request: ReadRequest) => ReadResult;
  readonly endOf: (partitionNumber: number) => number;
};

/** One read returns at most this many, however small they are. */
const mostRecords = 10_000;

function createRecordReader(database: SqliteDatabase): RecordReader {
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

/** If the disk failed, SQLite has already ended the transaction. Only the first failure is reported. */
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
function createRowWriter(
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
