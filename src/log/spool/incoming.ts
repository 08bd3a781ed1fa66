import { encodeHeaders, type NewRecord } from '../../events/record.ts';
import { SamsaError } from '../../errors.ts';
import type { SqliteDatabase } from '../../sqlite/connection.ts';
import { createGroupCommit, totalBytes, type Row } from '../sqlite/group-commit.ts';
import { unknownTopic } from '../topic-rules.ts';
import { positionsPerTopic, readWaitingBytes } from './spool-file.ts';

/** Writes the records that come into a spool. */
export type IncomingRows = {
  /** Accepts records of this topic from now on, even after a restart. */
  readonly addTopic: (name: string) => void;
  /** @throws SamsaError `topic-unknown`. */
  readonly numberOf: (topic: string) => number;
  /** In one transaction. */
  readonly write: (rows: readonly Row[]) => void;
  /** Counts records as accepted and dropped, in one transaction. */
  readonly drop: (rows: readonly Row[]) => void;
  readonly waitingBytes: () => number;
};

export function createIncomingRows(database: SqliteDatabase, clock: () => number): IncomingRows {
  const numbers = new Map<string, number>();
  const countIn = database.prepare(
    `UPDATE topic SET accepted = accepted + ?, waiting = waiting + ?, waiting_bytes = waiting_bytes + ?
     WHERE number = ? RETURNING accepted`,
  );
  const countDropped = database.prepare(
    'UPDATE topic SET accepted = accepted + ?, dropped = dropped + ? WHERE number = ?',
  );
  const insert = database.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?)');

  return {
    addTopic: (name) => {
      database.transaction(() =>
        database.prepare('INSERT INTO topic (name) VALUES (?) ON CONFLICT DO NOTHING').run(name),
      );
    },
    numberOf: (name) => {
      const number = numbers.get(name) ?? findTopic(database, name);
      numbers.set(name, number);
      return number;
    },
    write: (rows) => {
      database.transaction(() => {
        const arrivedMs = clock();
        for (const [number, ofTopic] of Map.groupBy(rows, (row) => row.number)) {
          const counted = countIn.get(ofTopic.length, ofTopic.length, totalBytes(ofTopic), number);
          let position = number * positionsPerTopic + Number(counted!['accepted']) - ofTopic.length;
          for (const { key, value, headers } of ofTopic) insert.run(position++, arrivedMs, key, value, headers);
        }
      });
    },
    drop: (rows) => {
      database.transaction(() => {
        for (const [number, { length }] of Map.groupBy(rows, (row) => row.number))
          countDropped.run(length, length, number);
      });
    },
    waitingBytes: () => readWaitingBytes(database),
  };
}

function findTopic(database: SqliteDatabase, name: string): number {
  const found = database.prepare('SELECT number FROM topic WHERE name = ?').get(name);
  if (found !== undefined) return Number(found['number']);
  throw unknownTopic(database.path, name);
}

/** Which records are lost when more than the limit wait. Records on their way to the cluster are never dropped. */
export type SpoolOverflow = 'drop-oldest' | 'drop-newest';

export type SpoolAppenderOptions = {
  readonly path: string;
  readonly rows: IncomingRows;
  readonly limitBytes: number;
  readonly overflow: SpoolOverflow;
  /** How long records wait for a busy or full disk. */
  readonly patienceMs: number;
  readonly onWritten: () => void;
};

/** What may wait for the disk. */
const mostUnwritten = { records: 50_000, bytes: 64 << 20 };

/**
 * `append` of the spooled log: keeps the spool to its limit, and writes the records of one turn of the event loop
 * together.
 */
export function createSpoolAppender(options: SpoolAppenderOptions) {
  const { rows: incoming, patienceMs, onWritten } = options;
  const limit = createLimit(options);
  const commit = createGroupCommit({
    write: (rows) => {
      incoming.write(rows);
      onWritten();
    },
    patienceMs,
    limitRecords: mostUnwritten.records,
    limitBytes: mostUnwritten.bytes,
  });

  return {
    /** @throws SamsaError `topic-unknown`, `spool-full`, `log-unavailable` (retryable). */
    append: async (records: readonly NewRecord[]): Promise<void> => {
      const rows = records.map(({ topic, key, value, headers }) => ({
        number: incoming.numberOf(topic),
        key,
        value,
        headers: encodeHeaders(headers),
      }));
      if (rows.length === 0) return;
      const bytes = totalBytes(rows);
      try {
        limit.enter(bytes);
      } catch (error) {
        if (error instanceof SamsaError && error.code === 'spool-full') incoming.drop(rows);
        throw error;
      }
      await commit.append(rows).finally(() => limit.entered(bytes));
    },
    /** Resolves when every call has been answered. */
    drain: commit.drain,
  };
}

/** While the relay drops the oldest records, a spool may exceed its limit by this much. */
function leewayBytes(mostBytes: number): number {
  return Math.max(mostBytes / 10, 1 << 20);
}

/** Asks the spool how much waits only when it may be full. Until then, everything that came in counts as waiting. */
function createLimit({ path, limitBytes: given, overflow, rows }: SpoolAppenderOptions) {
  const mostBytes = overflow === 'drop-newest' ? given : given + leewayBytes(given);
  let waitingEstimate = rows.waitingBytes();
  let enteringBytes = 0;
  return {
    /**
     * @throws SamsaError `spool-full` when these records are dropped; `log-unavailable` (retryable) when the relay must
     *   first drop the oldest ones.
     */
    enter: (bytes: number): void => {
      if (waitingEstimate + bytes > mostBytes) waitingEstimate = rows.waitingBytes() + enteringBytes;
      if (waitingEstimate + bytes > mostBytes) throw full(path, waitingEstimate, mostBytes, overflow);
      waitingEstimate += bytes;
      enteringBytes += bytes;
    },
    /** Call it when the records are in the spool, or when writing them failed. */
    entered: (bytes: number): void => {
      enteringBytes -= bytes;
    },
  };
}

function full(path: string, waitingBytes: number, mostBytes: number, overflow: SpoolOverflow): SamsaError {
  const what = `${path}: expected at most ${mostBytes} bytes to wait for Kafka, ${waitingBytes} do`;
  if (overflow === 'drop-newest') {
    return new SamsaError('spool-full', `${what}: new records are dropped. Repair Kafka, or raise mq.spool_limit_mb.`);
  }
  return new SamsaError('log-unavailable', `${what}: the oldest are not dropped yet. Try again.`, { retryable: true });
}
