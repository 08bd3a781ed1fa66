import { createThreadSignal } from '../../runtime/threads.ts';

/** New ends by partition number. */
export type Ends = ReadonlyMap<number, number>;

export type WaitingReadsOptions = {
  /** Of the signal between all threads of this process that have the file open. */
  readonly name: string;
  /** Changes when another connection, also of another process, has committed. */
  readonly version: () => number;
  readonly endOf: (partitionNumber: number) => number;
};

export type WaitingReads = {
  /**
   * Waits until a partition's end may be beyond `from`.
   * @returns false after `waitMs`, when `signal` fires, or on `endWaits`.
   */
  readonly wait: (partitionNumber: number, from: number, waitMs: number, signal: AbortSignal) => Promise<boolean>;
  /**
   * Wakes the reads of this process that wait for these ends: in this thread now, in other threads in their next turn
   * of the event loop, or within 5 ms when they were woken just before.
   */
  readonly wake: (ends: Ends) => void;
  readonly endWaits: () => void;
};

type Waiter = { readonly partitionNumber: number; readonly from: number; readonly wake: (records: boolean) => void };

/**
 * How often a waiting read looks for commits of other processes, which send no signal. Signals that follow within this
 * time are left out: they would cost more than the appends.
 */
const pollMs = 5;
/** How often it looks after a second without records: looking took most of the CPU time of an idle shop. */
const restingPollMs = 25;
const restsAfterMs = 1_000;
const longestTimeoutMs = 2 ** 31 - 1;

/** The reads of one opened log that wait for records. */
export function createWaitingReads(options: WaitingReadsOptions): WaitingReads {
  const waiters = new Set<Waiter>();
  let polling: NodeJS.Timeout | null = null;
  let seenVersion: number | null = null;
  let newsMs = performance.now();
  const sentMs = new Map<number, number>();

  const wakeWhere = (endOf: (partitionNumber: number) => number | undefined): void => {
    for (const waiter of waiters) {
      const end = endOf(waiter.partitionNumber);
      if (end === undefined || end <= waiter.from) continue;
      newsMs = performance.now();
      waiter.wake(true);
    }
  };

  /** When the file cannot be read, all are woken, so that their own reads report the error. */
  const look = (): void => {
    try {
      const version = options.version();
      if (version === seenVersion) return;
      seenVersion = version;
      wakeWhere(options.endOf);
    } catch {
      for (const waiter of waiters) waiter.wake(true);
    }
  };

  const pollOn = (): void => {
    const isResting = performance.now() - newsMs > restsAfterMs;
    polling = setTimeout(
      () => {
        pollOn();
        look();
      },
      isResting ? restingPollMs : pollMs,
    ).unref();
  };

  const signal = createThreadSignal(options.name, () => {
    if (waiters.size === 0) return;
    for (const { partitionNumber } of waiters) signal.listen(partitionNumber);
    look();
  });

  const remove = (waiter: Waiter): void => {
    waiters.delete(waiter);
    if (waiters.size > 0 || polling === null) return;
    clearTimeout(polling);
    polling = null;
  };

  const add = (waiter: Waiter): void => {
    waiters.add(waiter);
    signal.listen(waiter.partitionNumber);
    if (polling !== null) return;
    seenVersion = null;
    pollOn();
  };

  return {
    wait: (partitionNumber, from, waitMs, signal) =>
      new Promise((resolve) => {
        const stop = (): void => waiter.wake(false);
        const timeout = setTimeout(stop, Math.min(waitMs, longestTimeoutMs));
        const waiter: Waiter = {
          partitionNumber,
          from,
          wake: (records) => {
            clearTimeout(timeout);
            signal.removeEventListener('abort', stop);
            remove(waiter);
            resolve(records);
          },
        };
        signal.addEventListener('abort', stop);
        add(waiter);
      }),
    wake: (ends) => {
      wakeWhere((number) => ends.get(number));
      const nowMs = performance.now();
      for (const number of ends.keys()) {
        if (nowMs - (sentMs.get(number) ?? Number.NEGATIVE_INFINITY) < pollMs) continue;
        sentMs.set(number, nowMs);
        signal.send(number);
      }
    },
    endWaits: () => {
      for (const waiter of waiters) waiter.wake(false);
    },
  };
}
