import { createThreadSignal } from '../../runtime/thread-signal.ts';

/** New ends by partition number. */
export type Ends = ReadonlyMap<number, number>;

export type LogWatchOptions = {
  /** Of the bell that everybody in this process hears who has the file open, in whatever thread. */
  readonly name: string;
  /** Differs once another connection, also of another process, has committed. */
  readonly version: () => number;
  readonly endOf: (partitionNumber: number) => number;
};

export type LogWatch = {
  /**
   * Waits until a partition's end may be beyond `from`.
   * @returns false after `waitMs`, when `signal` fires, or on `endWaits`.
   */
  readonly wait: (partitionNumber: number, from: number, waitMs: number, signal: AbortSignal) => Promise<boolean>;
  /**
   * Wakes everybody in this process who waits for these ends: here now, in other threads as soon as they turn, or, when
   * others were woken just before, when they next look.
   */
  readonly announce: (ends: Ends) => void;
  readonly endWaits: () => void;
};

type Waiter = { readonly partitionNumber: number; readonly from: number; readonly wake: (records: boolean) => void };

/**
 * Other processes cannot ring: their commits are looked for this often, while somebody waits. So nobody rings more often
 * either: each ring costs more than the append it tells of.
 */
const pollMs = 5;
const longestTimeoutMs = 2 ** 31 - 1;

/** One look-out per opened log, shared by all its waiting reads. */
export function createLogWatch(options: LogWatchOptions): LogWatch {
  const waiters = new Set<Waiter>();
  let polling: NodeJS.Timeout | null = null;
  let seenVersion: number | null = null;
  const rangMs = new Map<number, number>();

  const wakeWhere = (endOf: (partitionNumber: number) => number | undefined): void => {
    for (const waiter of waiters) {
      const end = endOf(waiter.partitionNumber);
      if (end !== undefined && end > waiter.from) waiter.wake(true);
    }
  };

  /** A store that cannot be asked wakes everybody: their own reads then say what is wrong. */
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

  const signal = createThreadSignal(options.name, () => {
    if (waiters.size === 0) return;
    for (const { partitionNumber } of waiters) signal.listen(partitionNumber);
    look();
  });

  const remove = (waiter: Waiter): void => {
    waiters.delete(waiter);
    if (waiters.size > 0 || polling === null) return;
    clearInterval(polling);
    polling = null;
  };

  const add = (waiter: Waiter): void => {
    waiters.add(waiter);
    signal.listen(waiter.partitionNumber);
    if (polling !== null) return;
    seenVersion = null;
    polling = setInterval(look, pollMs).unref();
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
    announce: (ends) => {
      wakeWhere((number) => ends.get(number));
      const nowMs = performance.now();
      for (const number of ends.keys()) {
        if (nowMs - (rangMs.get(number) ?? Number.NEGATIVE_INFINITY) < pollMs) continue;
        rangMs.set(number, nowMs);
        signal.send(number);
      }
    },
    endWaits: () => {
      for (const waiter of waiters) waiter.wake(false);
    },
  };
}
