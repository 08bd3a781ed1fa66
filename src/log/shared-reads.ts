import type { EventLog, ReadRequest, ReadResult } from './log.ts';

type Asked = Pick<ReadRequest, 'topicId' | 'from' | 'maxBytes' | 'waitMs'>;
type Underway = {
  readonly asked: Asked;
  readonly result: Promise<ReadResult>;
  readonly giveUp: AbortController;
  isJoined: boolean;
};
type Found = { readonly asked: Asked; readonly result: ReadResult; readonly timeout: NodeJS.Timeout };

/**
 * How long the last read is kept for the other projection. It must be longer than a projection's pause after a commit.
 * It is short because a record that the log has lost meanwhile is still returned for this time.
 */
const keptMs = 150;

/**
 * The same log for two projections that follow the same partitions on one thread: each record is read once, and both
 * get the same object. A read that may wait joins a waiting read of the same offset, or gets the result of the other's
 * last read, with the start and end of that moment. A result is forgotten as soon as both have it. Otherwise it would
 * move to the old generation of the garbage collector. When one of the joined reads is aborted, the other returns
 * early, without records. A read that may not wait always asks the log.
 */
export function shareReads(log: EventLog): EventLog {
  const underway = new Map<string, Underway>();
  const lastFound = new Map<string, Found>();
  let closed = false;

  const forget = (partition: string): void => {
    clearTimeout(lastFound.get(partition)?.timeout);
    lastFound.delete(partition);
  };
  const keep = (partition: string, asked: Asked, result: ReadResult): void => {
    forget(partition);
    if (closed) return;
    const timeout = setTimeout(forget, keptMs, partition).unref();
    lastFound.set(partition, { asked, result, timeout });
  };

  const start = (partition: string, request: ReadRequest): Underway => {
    const giveUp = new AbortController();
    const { topicId, from, maxBytes, waitMs } = request;
    const asked = { topicId, from, maxBytes, waitMs };
    const reading = { asked, giveUp, result: log.read({ ...request, signal: giveUp.signal }), isJoined: false };
    underway.set(partition, reading);
    const end = (result: ReadResult | null): void => {
      if (underway.get(partition) === reading) underway.delete(partition);
      if (result !== null && result.records.length > 0 && !reading.isJoined) keep(partition, asked, result);
    };
    reading.result.then(end, () => end(null));
    return reading;
  };

  return {
    ...log,
    read: async (request) => {
      if (request.waitMs === 0 || request.signal.aborted) return log.read(request);
      const partition = `${request.topic}/${request.partition}`;
      const found = lastFound.get(partition);
      if (found !== undefined && holdsNext(found, request)) {
        forget(partition);
        return withoutRead(found.result, request.from);
      }
      const known = underway.get(partition);
      if (known === undefined || !isSame(known.asked, request)) {
        return givingUpWith(request.signal, start(partition, request));
      }
      known.isJoined = true;
      return givingUpWith(request.signal, known);
    },
    close: () => {
      closed = true;
      for (const partition of lastFound.keys()) forget(partition);
      return log.close();
    },
  };
}

function holdsNext({ asked, result }: Found, request: ReadRequest): boolean {
  const isWithin = request.from >= asked.from && request.from < result.next;
  return isWithin && request.topicId === asked.topicId && request.maxBytes >= asked.maxBytes;
}

function withoutRead(result: ReadResult, from: number): ReadResult {
  const first = result.records.findIndex(({ offset }) => offset >= from);
  return { ...result, records: first === -1 ? [] : result.records.slice(first) };
}

function isSame(asked: Asked, { topicId, from, maxBytes, waitMs }: ReadRequest): boolean {
  return asked.topicId === topicId && asked.from === from && asked.maxBytes === maxBytes && asked.waitMs <= waitMs;
}

async function givingUpWith(signal: AbortSignal, { giveUp, result }: Underway): Promise<ReadResult> {
  const stop = (): void => giveUp.abort();
  signal.addEventListener('abort', stop);
  try {
    return await result;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
