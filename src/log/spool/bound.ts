import { SamsaError } from '../../errors.ts';

/** What is lost when more than `limitBytes` wait. Records on their way to the cluster are never dropped. */
export type SpoolOverflow = 'drop-oldest' | 'drop-newest';

export type SpoolBoundOptions = {
  readonly path: string;
  readonly limitBytes: number;
  readonly overflow: SpoolOverflow;
  /** Of the records in the spool. */
  readonly waitingBytes: () => number;
};

export type SpoolBound = {
  /**
   * Lets in so many bytes more.
   * @throws SamsaError `spool-full` where they are to be dropped; `log-unavailable` (retryable) where the oldest are
   *   dropped instead, and were not yet.
   */
  readonly enter: (bytes: number) => void;
  /** They are in the spool now, or never will be. */
  readonly entered: (bytes: number) => void;
};

/** How far beyond its limit a spool may grow while the relay drops the oldest records. */
function leewayBytes(limitBytes: number): number {
  return Math.max(limitBytes / 10, 1 << 20);
}

/** Keeps a spool to its limit. The spool is asked only when it may be full: until then all that came in is taken to wait. */
export function createSpoolBound({ path, limitBytes, overflow, waitingBytes }: SpoolBoundOptions): SpoolBound {
  const mostBytes = overflow === 'drop-newest' ? limitBytes : limitBytes + leewayBytes(limitBytes);
  let atMostBytes = waitingBytes();
  let enteringBytes = 0;
  return {
    enter: (bytes) => {
      if (atMostBytes + bytes > mostBytes) atMostBytes = waitingBytes() + enteringBytes;
      if (atMostBytes + bytes > mostBytes) throw full(path, atMostBytes, mostBytes, overflow);
      atMostBytes += bytes;
      enteringBytes += bytes;
    },
    entered: (bytes) => {
      enteringBytes -= bytes;
    },
  };
}

function full(path: string, waitingBytes: number, mostBytes: number, overflow: SpoolOverflow): SamsaError {
  const what = `${path}: expected at most ${mostBytes} bytes to wait for Kafka, ${waitingBytes} do`;
  if (overflow === 'drop-newest') {
    return new SamsaError('spool-full', `${what}: new records are dropped. Mend Kafka, or raise mq.spool_limit_mb.`);
  }
  return new SamsaError('log-unavailable', `${what}: the oldest are not dropped yet. Try again.`, {
    retryable: true,
  });
}
