import { setImmediate as eventLoopTurn, setTimeout as delay } from 'node:timers/promises';
import { SamsaError } from '../../errors.ts';
import { isRetryable, backoffMs } from '../../runtime/waiting.ts';

/** A record with a partition, and no offset yet. */
export type Row = {
  /** The number of its partition across all topics. */
  readonly number: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Uint8Array;
};

export type GroupCommitOptions = {
  /**
   * Writes all rows in one transaction, in this order, or throws with none written:
   * a retryable SamsaError when the same may succeed later.
   */
  readonly write: (rows: readonly Row[]) => void;
  /** How long a call may wait for a store that is busy or full. */
  readonly patienceMs: number;
  /** How much may wait. A single larger call is accepted when nothing else waits. */
  readonly limitRecords: number;
  readonly limitBytes: number;
};

export type GroupCommit = {
  /** @throws SamsaError `log-unavailable` (retryable), with nothing of the call written. */
  readonly append: (rows: readonly Row[]) => Promise<void>;
  /** Resolves when every call has been answered. */
  readonly drain: () => Promise<void>;
};

type Call = {
  readonly rows: readonly Row[];
  readonly bytes: number;
  readonly giveUpAtMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

/** A transaction blocks the thread, so it takes only as many calls as fit these limits, and at least one. */
const transactionRecords = 5_000;
const transactionBytes = 8 << 20;
const backoff = { firstMs: 10, mostMs: 100 };

/**
 * Group commit: what is appended in one turn of the event loop is written in one transaction on its next turn, in the
 * order of the calls. While the store is unavailable everything waits in place and is tried again.
 */
export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const waiting: Call[] = [];
  let records = 0;
  let bytes = 0;
  let writing: Promise<void> | null = null;

  const take = (count: number): readonly Call[] => {
    const calls = waiting.splice(0, count);
    for (const call of calls) {
      records -= call.rows.length;
      bytes -= call.bytes;
    }
    return calls;
  };

  /**
   * Writes the first calls in one transaction. If they cannot be written together, writes them one by one, so that only
   * the faulty call fails.
   */
  const writeSome = (most: number): void => {
    const calls = waiting.slice(0, Math.min(most, fitting(waiting)));
    try {
      options.write(calls.length === 1 ? calls[0]!.rows : calls.flatMap(({ rows }) => rows));
      for (const call of take(calls.length)) call.resolve();
    } catch (error) {
      if (isRetryable(error)) throw error;
      if (calls.length > 1) {
        for (let left = calls.length; left > 0; left--) writeSome(1);
        return;
      }
      for (const call of take(1)) call.reject(error);
    }
  };

  const rejectOverdue = (error: unknown): void => {
    const nowMs = performance.now();
    let overdue = 0;
    while (overdue < waiting.length && waiting[overdue]!.giveUpAtMs <= nowMs) overdue++;
    for (const call of take(overdue)) call.reject(error);
  };

  const writeAll = async (): Promise<void> => {
    let failures = 0;
    while (waiting.length > 0) {
      try {
        if (failures === 0) await eventLoopTurn();
        writeSome(Number.POSITIVE_INFINITY);
        failures = 0;
      } catch (error) {
        rejectOverdue(error);
        if (waiting.length > 0) await delay(backoffMs(++failures, backoff));
      }
    }
    writing = null;
  };

  return {
    append: (rows) => {
      const size = totalBytes(rows);
      if (waiting.length > 0 && (records + rows.length > options.limitRecords || bytes + size > options.limitBytes)) {
        return Promise.reject(queueFull(records, bytes));
      }
      records += rows.length;
      bytes += size;
      return new Promise((resolve, reject) => {
        waiting.push({ rows, bytes: size, giveUpAtMs: performance.now() + options.patienceMs, resolve, reject });
        writing ??= writeAll();
      });
    },
    drain: async () => {
      while (writing !== null) await writing;
    },
  };
}

function fitting(calls: readonly Call[]): number {
  let records = 0;
  let bytes = 0;
  for (const [index, call] of calls.entries()) {
    records += call.rows.length;
    bytes += call.bytes;
    if (index > 0 && (records > transactionRecords || bytes > transactionBytes)) return index;
  }
  return calls.length;
}

/** How much of a limit in bytes a row takes. */
export function bytesOf({ key, value, headers }: Omit<Row, 'number'>): number {
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + headers.byteLength;
}

export function totalBytes(rows: readonly Row[]): number {
  let bytes = 0;
  for (const row of rows) bytes += bytesOf(row);
  return bytes;
}

function queueFull(records: number, bytes: number): SamsaError {
  return new SamsaError(
    'log-unavailable',
    `the log takes no more for now: ${records} records (${bytes} bytes) wait to be written. Try again later.`,
    { retryable: true },
  );
}
