import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, Worker, workerData, getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { constants, getPriority, setPriority } from 'node:os';
import { reason, SamsaError, type ErrorCode } from '../errors.ts';

type WorkerOptions<FromWorker> = {
  /** The module that the thread runs. It calls `linkToParent`. */
  readonly entry: URL;
  readonly name: string;
  /** Plain data. */
  readonly data: unknown;
  /**
   * Must be large enough for what one piece of work keeps alive. Otherwise the garbage collector copies that again and
   * again.
   */
  readonly youngGenerationMiB: number;
  readonly oldGenerationMiB?: number;
  readonly onMessage: (message: FromWorker) => void;
  /** The thread has ended although nobody closed it; `cause` is what it threw, if anything. */
  readonly onEnd: (cause: unknown) => void;
  /** Starts the thread again this long after its end. Default: it stays ended. */
  readonly restartAfterMs?: number;
  /** False lets the process end while the thread runs. Default: true. */
  readonly keepsProcessAlive?: boolean;
};

/** One thread of this process, seen from the thread that started it. */
export type WorkerLink<ToWorker> = {
  readonly tell: (message: ToWorker) => void;
  /** Asks the thread to end and waits for that; after `withinMs` ends it by force. May be called twice. */
  readonly close: (withinMs?: number) => Promise<void>;
};

const closeMessage = 'close';

/** Starts a worker thread, and carries plain-data messages both ways. */
export function startWorker<ToWorker, FromWorker>(options: WorkerOptions<FromWorker>): WorkerLink<ToWorker> {
  const closing = new AbortController();
  let current = start();

  function start(): { readonly worker: Worker; readonly exited: Promise<void> } {
    const { entry, name, data, youngGenerationMiB, oldGenerationMiB } = options;
    const worker = new Worker(entry, {
      workerData: data,
      name,
      resourceLimits: {
        maxYoungGenerationSizeMb: youngGenerationMiB,
        ...(oldGenerationMiB !== undefined && { maxOldGenerationSizeMb: oldGenerationMiB }),
      },
    });
    let cause: unknown;
    worker.on('message', options.onMessage);
    worker.on('error', (error) => {
      cause = error;
    });
    const exited = new Promise<void>((resolve) => {
      worker.on('exit', () => {
        resolve();
        if (closing.signal.aborted) return;
        options.onEnd(cause);
        if (options.restartAfterMs !== undefined) void restart(options.restartAfterMs);
      });
    });
    if (options.keepsProcessAlive === false) worker.unref();
    return { worker, exited };
  }

  async function restart(afterMs: number): Promise<void> {
    await delay(afterMs, undefined, { signal: closing.signal }).catch(() => {});
    if (!closing.signal.aborted) current = start();
  }

  return {
    tell: (message) => current.worker.postMessage(message),
    close: async (withinMs) => {
      const { worker, exited } = current;
      closing.abort();
      worker.ref();
      worker.postMessage(closeMessage);
      const timeout = withinMs === undefined ? undefined : setTimeout(() => void worker.terminate(), withinMs);
      await exited;
      clearTimeout(timeout);
    },
  };
}

/** The thread's own end of the link. */
type ParentLink<Data, ToParent, FromParent> = {
  /** As `data` of its `WorkerOptions`. */
  readonly data: Data;
  readonly tell: (message: ToParent) => void;
  /** Keeps the thread alive until it is asked to close; then it ends as soon as it has nothing left to do. */
  readonly listen: (on: { readonly onMessage?: (message: FromParent) => void; readonly onClose: () => void }) => void;
  /** Lets the thread end without having been asked to. */
  readonly leave: () => void;
};

export function linkToParent<Data, ToParent, FromParent = never>(): ParentLink<Data, ToParent, FromParent> {
  const port = parentPort!;
  return {
    data: workerData as Data,
    tell: (message) => port.postMessage(message),
    listen: ({ onMessage, onClose }) => {
      port.on('message', (message: FromParent | typeof closeMessage) => {
        if (message !== closeMessage) return onMessage?.(message);
        port.unref();
        onClose();
      });
    },
    leave: () => port.close(),
  };
}

/** An error as plain data: threads do not keep an error's class. */
export type PlainError = { readonly code: ErrorCode | null; readonly message: string; readonly retryable: boolean };

export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof SamsaError)) return { code: null, message: reason(error), retryable: false };
  return { code: error.code, message: error.message, retryable: error.retryable };
}

export function fromPlainError({ code, message, retryable }: PlainError): Error {
  return code === null ? new Error(message) : new SamsaError(code, message, { retryable });
}

/**
 * A signal between the threads of this process: sent in one, received in every thread that has the signal of the same
 * name and listens on the same channel. Waking a thread costs the sender more than an append to the log does, so only
 * threads that listen are woken.
 */
type ThreadSignal = {
  /** @param channel any whole number from 0; numbers that are equal modulo 64 share one. */
  readonly send: (channel?: number) => void;
  /**
   * Calls `onSignal` once, soon after the next `send` on this channel; until then further calls do nothing. It does not
   * keep the process alive.
   */
  readonly listen: (channel?: number) => void;
};

const channels = 64;

/**
 * Makes the signal of this name known to the threads that are started from here *from now on*, and to those that they
 * start. (A BroadcastChannel does not depend on that order, but costs each listening thread 11 MB, and 20 ms when its
 * first message makes Node load its web API.)
 */
export function shareThreadSignal(name: string): SharedArrayBuffer {
  const memory =
    (getEnvironmentData(name) as SharedArrayBuffer | undefined) ??
    new SharedArrayBuffer(channels * Int32Array.BYTES_PER_ELEMENT);
  setEnvironmentData(name, memory);
  return memory;
}

/** The signal of this name, shared as by `shareThreadSignal`. `onSignal` gets the channel, from 0 to 63. */
export function createThreadSignal(name: string, onSignal: (channel: number) => void): ThreadSignal {
  const sent = new Int32Array(shareThreadSignal(name));
  const listening = new Set<number>();
  return {
    send: (channel = 0) => {
      Atomics.add(sent, channel % channels, 1);
      Atomics.notify(sent, channel % channels);
    },
    listen: (asked = 0) => {
      const channel = asked % channels;
      if (listening.has(channel)) return;
      const next = Atomics.waitAsync(sent, channel, Atomics.load(sent, channel));
      listening.add(channel);
      void Promise.resolve(next.value).then(() => {
        listening.delete(channel);
        onSignal(channel);
      });
    },
  };
}

/** Steps of `nice`. With ten, a busy machine kept these threads from answering at all (decision 042). */
const lowerBy = 3;

/**
 * Lowers the priority of this thread, so that the thread that answers searches goes first where cores are few. Only
 * Linux has priorities of single threads; elsewhere the whole process would be slowed, so nothing is done.
 */
export function lowerThreadPriority(): void {
  if (process.platform !== 'linux') return;
  const { PRIORITY_LOW } = constants.priority;
  try {
    setPriority(Math.min(PRIORITY_LOW, getPriority() + lowerBy));
  } catch {
    // Not allowed here: all threads keep the same priority.
  }
}
