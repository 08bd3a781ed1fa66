import type { SamsaError } from '../../errors.ts';
import { covers, cut, hasNews, type Range } from './ranges.ts';
import type { ReadRequest, ReadResult } from '../log.ts';

export type KafkaReader = {
  readonly read: (request: ReadRequest) => Promise<ReadResult>;
  /** Ends waiting reads with this error. */
  readonly close: (error: SamsaError) => void;
};

export type KafkaReaderOptions = {
  /** Reads what is there from an offset on, without waiting. */
  readonly ask: (request: ReadRequest) => Promise<Range>;
  /** The same, but waits up to `awaitMs` for records; then returns an empty range. */
  readonly await: (request: ReadRequest) => Promise<Range>;
  /** The longest wait of `await`. */
  readonly awaitMs: number;
};

/** An offset of a partition whose records are fetched before they are asked for. */
type Cursor = {
  readonly from: number;
  readonly arrival: Promise<Range>;
  /** Once arrived. */
  range: Range | null;
  /** The partition's ends, as last heard. */
  ends: { readonly start: number; readonly end: number };
  readers: number;
  /** Runs while no read uses the cursor. */
  expiry: NodeJS.Timeout | null;
};

/** How long an unused cursor is kept. */
const keptMs = 3_000;

/**
 * Fetches ahead: when a read is answered, the next records are fetched while the caller works. A read that does not
 * continue a previous one asks the broker first, so that it never misses what is there.
 */
export function createKafkaReader(options: KafkaReaderOptions): KafkaReader {
  const partitions = new Map<string, Set<Cursor>>();
  const waits = createWaits();

  const cursorsOf = ({ topicId, partition }: ReadRequest): Set<Cursor> =>
    partitions.getOrInsertComputed(`${topicId} ${partition}`, () => new Set());

  const remove = (cursors: Set<Cursor>, cursor: Cursor): void => {
    cursors.delete(cursor);
    if (cursor.expiry !== null) clearTimeout(cursor.expiry);
  };

  const expireLater = (cursors: Set<Cursor>, cursor: Cursor): void => {
    if (cursor.expiry !== null) clearTimeout(cursor.expiry);
    cursor.expiry = setTimeout(() => remove(cursors, cursor), keptMs).unref();
  };

  const addCursor = (cursors: Set<Cursor>, from: number, arrival: Promise<Range>, ends: Cursor['ends']): Cursor => {
    const cursor: Cursor = { from, arrival, range: null, ends, readers: 0, expiry: null };
    cursors.add(cursor);
    expireLater(cursors, cursor);
    arrival.then(
      (range) => {
        cursor.range = range;
      },
      () => remove(cursors, cursor),
    );
    return cursor;
  };

  /** Waits for records at an offset for as long as it is read from, and three seconds longer. */
  const follow = (request: ReadRequest, { start, end }: ReadResult): Cursor => {
    const cursors = cursorsOf(request);
    const arrives = async (): Promise<Range> => {
      for (;;) {
        const range = await options.await(request);
        cursor.ends = range;
        if (hasNews(range) || !cursors.has(cursor)) return range;
      }
    };
    const cursor = addCursor(cursors, request.from, Promise.resolve().then(arrives), { start, end });
    return cursor;
  };

  /** Answers from a range, and starts to fetch what follows. */
  const serve = (range: Range, request: ReadRequest): ReadResult => {
    const result = cut(range, request);
    const cursors = cursorsOf(request);
    if (result.next < range.next) {
      if (cursorAt(cursors, result.next) === undefined) {
        addCursor(cursors, range.from, Promise.resolve(range), range).range = range;
      }
      return result;
    }
    for (const cursor of cursors) if (cursor.range === range) remove(cursors, cursor);
    if (result.next > request.from && cursorAt(cursors, result.next) === undefined) {
      follow({ ...request, from: result.next }, result);
    }
    return result;
  };

  const waitAt = async (cursor: Cursor, request: ReadRequest, waitMs: number): Promise<ReadResult> => {
    const cursors = cursorsOf(request);
    cursor.readers++;
    if (cursor.expiry !== null) clearTimeout(cursor.expiry);
    try {
      const range = await waits.wait(cursor.arrival, waitMs, request.signal);
      if (range !== null) return serve(range, request);
      return { records: [], next: request.from, skipped: [], ...cursor.ends };
    } finally {
      if (--cursor.readers === 0 && cursors.has(cursor)) expireLater(cursors, cursor);
    }
  };

  const askFirst = async (request: ReadRequest): Promise<ReadResult> => {
    const startedMs = performance.now();
    const range = await waits.wait(options.ask(request), Number.POSITIVE_INFINITY, request.signal);
    if (range === null) return { records: [], next: request.from, skipped: [], start: 0, end: request.from };
    if (hasNews(range)) return serve(range, request);
    const leftMs = request.waitMs - (performance.now() - startedMs);
    if (leftMs <= 0) return cut(range, request);
    return waitAt(cursorAt(cursorsOf(request), request.from) ?? follow(request, range), request, leftMs);
  };

  return {
    read: (request) => {
      const cursor = cursorAt(cursorsOf(request), request.from);
      if (cursor?.range) return Promise.resolve(serve(cursor.range, request));
      if (cursor !== undefined && request.waitMs >= options.awaitMs) return waitAt(cursor, request, request.waitMs);
      return askFirst(request);
    },
    close: waits.close,
  };
}

/** The cursor that has fetched an offset already, or else the one that waits for it. */
function cursorAt(cursors: ReadonlySet<Cursor>, offset: number): Cursor | undefined {
  const all = [...cursors];
  return (
    all.find(({ range }) => range !== null && covers(range, offset)) ??
    all.find(({ range, from }) => range === null && from === offset)
  );
}

type Waits = {
  /**
   * Resolves with the promise, or with `null` after `waitMs` or when `signal` fires.
   * @throws the promise's error, or the error given to `close`.
   */
  readonly wait: <Value>(promise: Promise<Value>, waitMs: number, signal: AbortSignal) => Promise<Value | null>;
  /** Ends all waits, now and later. */
  readonly close: (error: Error) => void;
};

const longestTimeoutMs = 2 ** 31 - 1;

/** Waits with deadlines that leave no listener behind, however long the promise or the signal lives. */
function createWaits(): Waits {
  const waiting = new Set<(error: unknown) => void>();
  let closedWith: Error | null = null;

  return {
    wait: (promise, waitMs, signal) =>
      new Promise((resolve, reject) => {
        const leave = (): void => {
          clearTimeout(timeout);
          signal.removeEventListener('abort', giveUp);
          waiting.delete(fail);
        };
        const giveUp = (): void => {
          leave();
          resolve(null);
        };
        const fail = (error: unknown): void => {
          leave();
          reject(error);
        };
        const timeout = setTimeout(giveUp, Math.min(waitMs, longestTimeoutMs));
        signal.addEventListener('abort', giveUp);
        waiting.add(fail);
        promise.then((value) => {
          leave();
          resolve(value);
        }, fail);
        if (closedWith !== null) fail(closedWith);
        else if (signal.aborted) giveUp();
      }),
    close: (error) => {
      closedWith = error;
      for (const fail of waiting) fail(error);
    },
  };
}
