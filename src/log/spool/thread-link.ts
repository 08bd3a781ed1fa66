import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { reason, SamsaError } from '../../errors.ts';
import { onlyNews } from '../../runtime/keep-trying.ts';
import type { SpoolLedger } from './ledger.ts';
import type { SpoolThreadData, SpoolThreadState } from './thread-messages.ts';

/** The end of the conversation with the relay's thread at which records are appended. */
export type SpoolThreadLink = {
  /** What keeps records from being relayed; `null` when nothing is known to. */
  readonly trouble: () => SamsaError | null;
  /** Of the spools that others left behind. */
  readonly adopted: () => readonly SpoolLedger[];
  /** Lets it empty the spool, and ends it after so long at most. */
  readonly close: (withinMs: number) => Promise<void>;
};

const restartAfterMs = 1_000;
/** Records in flight would else outlive it, and be copied over and over. */
const youngGenerationMiB = 24;

/** Starts the thread, and again should it ever end. `onTrouble` is told once per kind of trouble, and `null` after it. */
export function startSpoolThread(
  workerData: SpoolThreadData,
  onTrouble: (trouble: SamsaError | null) => void,
): SpoolThreadLink {
  const closing = new AbortController();
  let state: SpoolThreadState = { trouble: null, adopted: [] };
  let trouble: SamsaError | null = null;
  const tell = onlyNews(onTrouble);
  let worker = start();

  const hear = (heard: SamsaError | null): void => {
    trouble = heard;
    tell(heard);
  };

  function start(): Worker {
    let cause: unknown;
    const started = new Worker(new URL('./relay-thread.ts', import.meta.url), {
      workerData,
      name: 'spool-relay',
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMiB },
    });
    started.on('message', (said: SpoolThreadState) => {
      state = said;
      hear(said.trouble && new SamsaError(said.trouble.code, said.trouble.message, { retryable: true }));
    });
    started.on('error', (error) => {
      cause = error;
    });
    started.on('exit', () => {
      if (closing.signal.aborted) return;
      hear(ended(workerData.path, cause));
      delay(restartAfterMs, undefined, { signal: closing.signal }).then(
        () => {
          worker = start();
        },
        () => {},
      );
    });
    return started;
  }

  return {
    trouble: () => trouble,
    adopted: () => state.adopted,
    close: async (withinMs) => {
      closing.abort();
      if (worker.threadId === -1) return;
      const exited = once(worker, 'exit').catch(() => {});
      worker.postMessage('close');
      const timeout = setTimeout(() => void worker.terminate(), withinMs);
      await exited;
      clearTimeout(timeout);
    },
  };
}

function ended(path: string, cause: unknown): SamsaError {
  const why = cause === undefined ? '' : `: ${reason(cause)}`;
  return new SamsaError(
    'log-unavailable',
    `${path}: the thread that relays it has ended and is started again${why}. What it holds is kept.`,
    { retryable: true, cause },
  );
}
