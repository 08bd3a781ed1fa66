import { SamsaError } from '../errors.ts';
import { startWorker } from '../runtime/threads.ts';

export type CheckpointOptions = {
  /**
   * Called when a file's checkpoints or a chore begin to fail (they are retried), and when the thread has ended: then
   * write-ahead logs grow until it is started again.
   */
  readonly onProblem: (problem: SamsaError) => void;
  /** Default 500. */
  readonly intervalMs?: number;
  /** How long a write-ahead log may become before writers wait once so that it starts over. Default 32 MiB. */
  readonly limitBytes?: number;
  /** Other slow work on the same files, one at a time on the same thread. */
  readonly chores?: readonly Chore[];
};

/** Repeated work, first after `everyMs`. */
export type Chore = {
  /**
   * URL of a module whose default export is a function of `argument` and a signal that returns a promise. It
   * should resolve soon after the signal has fired, since `close` waits for it.
   */
  readonly module: string;
  readonly argument: string;
  readonly everyMs: number;
};

/** What the thread is started with, and its messages: the name of what began to fail, and why. */
export type CheckpointWork = {
  readonly files: readonly string[];
  readonly intervalMs: number;
  readonly limitBytes: number;
  readonly chores: readonly Chore[];
};
export type CheckpointTrouble = { readonly failing: string; readonly why: string };

export type RunningCheckpoints = {
  /** Ends the thread after the work in hand. Close the files' other connections first: the last one checkpoints. */
  readonly close: () => Promise<void>;
};

/**
 * Starts a thread that checkpoints SQLite files, so that no commit elsewhere pays for it (open those with
 * `checkpointedElsewhere`). Files may be created later. The thread does not keep the process alive.
 */
export function startCheckpoints(files: readonly string[], options: CheckpointOptions): RunningCheckpoints {
  const { intervalMs = 500, limitBytes = 32 << 20, chores = [] } = options;
  const data: CheckpointWork = { files, intervalMs, limitBytes, chores };
  const { close } = startWorker<never, CheckpointTrouble>({
    entry: new URL('./checkpoint-thread.ts', import.meta.url),
    name: 'checkpoints',
    data,
    youngGenerationMiB: 1,
    oldGenerationMiB: 32,
    onMessage: ({ failing, why }) => options.onProblem(problem(`${failing}: ${why}`)),
    onEnd: (cause) => options.onProblem(problem('the checkpoint thread has ended', cause)),
    keepsProcessAlive: false,
  });
  return { close: () => close() };
}

function problem(what: string, cause?: unknown): SamsaError {
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return new SamsaError('store-unavailable', `${what}${why}; write-ahead logs grow meanwhile`, {
    cause,
    retryable: true,
  });
}
