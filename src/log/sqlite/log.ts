import { encodeHeaders, type NewRecord } from '../../events/record.ts';
import { openSqlite, type SqliteDatabase } from '../../sqlite/connection.ts';
import { SamsaError } from '../../errors.ts';
import { logError } from './errors.ts';
import { createGroupCommit, type Row } from './group-commit.ts';
import { createWaitingReads } from './waiting-reads.ts';
import type { EventLog, ReadRequest, ReadResult } from '../log.ts';
import { partitionOf } from '../partition.ts';
import { retry } from '../../runtime/waiting.ts';
import { createRecordReader, createRowWriter } from './records.ts';
import { createSqliteTopics, logMigrations, type SqliteTopic, type SqliteTopics } from './topics.ts';

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

/** One signal for all logs of a process: a signal of another log makes waiting reads look once for nothing. */
export const logSignalName = 'samsa log';

/**
 * The event log in one SQLite file, which several processes may have open at once. Appends of one turn of the event
 * loop are committed together on its next turn. A waiting read sees a record at once when this process appended it,
 * also in another thread (see `shareLogSignal`) unless appends follow each other closely, else within about 10 ms.
 * @throws SamsaError as `openSqlite`, but `log-unavailable` in place of `store-unavailable`.
 */
export function openSqliteLog(path: string, options: SqliteLogOptions): EventLog {
  try {
    return logIn(openFile(path, options), options);
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

function logIn(database: SqliteDatabase, options: SqliteLogOptions): EventLog {
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

  const open = <Result>(use: () => Result): Result => {
    if (closing !== null) throw new SamsaError('log-closed', `${path}: the log has been closed`);
    try {
      return use();
    } catch (error) {
      throw logError(path, error);
    }
  };

  return {
    append: async (records) => {
      const rows = open(() => records.map(toRow));
      if (rows.length > 0) await commit.append(rows);
    },
    read: async (request) => {
      const giveUpAtMs = performance.now() + request.waitMs;
      for (;;) {
        const number = open(() => partitionNumber(path, topics.find(request.topic), request));
        const result = open(() => reader.read(number, request));
        const leftMs = giveUpAtMs - performance.now();
        if (!isEmpty(result, request) || leftMs <= 0 || request.signal.aborted) return result;
        const woken = await waitingReads.wait(number, request.from, leftMs, request.signal);
        if (!woken) return open(() => result);
      }
    },
    describe: async (topic) => open(() => topics.describe(topic)),
    create: (topic, settings) => retry(() => open(() => topics.create(topic, settings)), { withinMs: patienceMs }),
    close: () => {
      closing ??= commit.drain().finally(database.close);
      waitingReads.endWaits();
      return closing;
    },
  };
}

/** No record yet, and nothing else to tell: no gap at the start, no position beyond the end. */
function isEmpty({ records, next, end }: ReadResult, { from }: ReadRequest): boolean {
  return records.length === 0 && next === from && end === from;
}

function partitionNumber(path: string, topic: SqliteTopic, request: ReadRequest): number {
  if (topic.id !== request.topicId) {
    throw new SamsaError(
      'topic-replaced',
      `${path}: expected topic ${request.topic} to be ${request.topicId}, it is ${topic.id} now. Rebuild what was made from it.`,
    );
  }
  const number = topic.numbers[request.partition];
  if (number === undefined) {
    throw new SamsaError(
      'topic-unknown',
      `${path}: expected a partition of ${request.topic} below ${topic.numbers.length}, got ${request.partition}`,
    );
  }
  return number;
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
