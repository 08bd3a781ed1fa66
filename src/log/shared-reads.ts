import type { EventLog, ReadRequest, ReadResult } from './log.ts';

type Asked = Pick<ReadRequest, 'topicId' | 'from' | 'maxBytes' | 'waitMs'>;
type Underway = { readonly asked: Asked; readonly result: Promise<ReadResult>; readonly giveUp: AbortController };
type Found = { readonly asked: Asked; readonly result: ReadResult };

/**
 * How long the last read is kept. Longer than a projection pauses after a commit, so that the other projections still
 * find it. Short, because records that the log has lost meanwhile are still returned for this time.
 */
const keptMs = 30;

/**
 * The same log for several projections that follow the same partitions on one thread: each record is read once, and all
 * get the same object. A read that may wait joins a waiting read of the same offset, or gets the result of the last
 * read, with the start and end of that moment. When one of the joined reads is aborted, the others return early,
 * without records. A read that may not wait always asks the log.
 */
export function shareReads(log: EventLog): EventLog {
  const underway = new Map<string, Underway>();
  const lastFound = new Map<string, Found>();
  let closed = false;

  const keep = (partition: string, found: Found): void => {
    if (closed) return;
    lastFound.set(partition, found);
    const forget = (): void => {
      if (lastFound.get(partition) === found) lastFound.delete(partition);
    };
    setTimeout(forget, keptMs).unref();
  };

  const start = (partition: string, request: ReadRequest): Underway => {
    const giveUp = new AbortController();
    const { topicId, from, maxBytes, waitMs } = request;
    const asked = { topicId, from, maxBytes, waitMs };
    const reading = { asked, giveUp, result: log.read({ ...request, signal: giveUp.signal }) };
    underway.set(partition, reading);
    const end = (result: ReadResult | null): void => {
      if (underway.get(partition) === reading) underway.delete(partition);
      if (result !== null && result.records.length > 0) keep(partition, { asked, result });
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
      if (found !== undefined && holdsNext(found, request)) return withoutRead(found.result, request.from);
      const known = underway.get(partition);
      const reading = known !== undefined && isSame(known.asked, request) ? known : start(partition, request);
      return givingUpWith(request.signal, reading);
    },
    close: () => {
      closed = true;
      lastFound.clear();
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
