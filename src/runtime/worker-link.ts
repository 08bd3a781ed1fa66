import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { reason, SamsaError, type ErrorCode } from '../errors.ts';

export type WorkerOptions<FromWorker> = {
  /** The module that the thread runs. It calls `linkToParent`. */
  readonly entry: URL;
  readonly name: string;
  /** Plain data. */
  readonly data: unknown;
  /** Large enough for what lives while one piece of work is done, else the collector copies that again and again. */
  readonly youngGenerationMiB: number;
  readonly oldGenerationMiB?: number;
  readonly onMessage: (message: FromWorker) => void;
  /** The thread has ended although nobody closed it; `cause` is what it threw, if anything. */
  readonly onEnd: (cause: unknown) => void;
  /** Starts the thread again so long after its end. Default: it stays ended. */
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
export type ParentLink<Data, ToParent, FromParent> = {
  /** As `data` of its `WorkerOptions`. */
  readonly data: Data;
  readonly tell: (message: ToParent) => void;
  /** Keeps the thread alive until it is asked to close; then it ends as soon as it has nothing left to do. */
  readonly listen: (hear: { readonly onMessage?: (message: FromParent) => void; readonly onClose: () => void }) => void;
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
