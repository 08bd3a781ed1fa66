import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Config } from '../../config/config.ts';
import { SamsaError, type ErrorCode } from '../../errors.ts';

/** What the consumers' thread tells the main thread. */
export type FromConsumers =
  | { readonly type: 'listening'; readonly trendUrl: string; readonly recommendationUrl: string }
  | { readonly type: 'failed'; readonly code: ErrorCode | null; readonly message: string };

export type RunningConsumers = {
  readonly trendUrl: string;
  readonly recommendationUrl: string;
  /** Resolves when one of them cannot go on. */
  readonly failed: Promise<Error>;
  readonly close: () => Promise<void>;
};

/**
 * A third of it fills between two collections, which takes about as long as a read is held at ten thousand searches a
 * second: with half as much, most of what was read would be moved twice. What is held for long is in the stores.
 */
const youngGenerationMiB = 32;

/**
 * Starts the trend and the recommendation service together in one worker thread of this process and resolves when both
 * listen.
 * @throws SamsaError whatever kept one of them from starting; then neither runs.
 */
export async function startConsumersThread(config: Config): Promise<RunningConsumers> {
  const worker = new Worker(new URL('./consumers-thread.ts', import.meta.url), {
    workerData: config,
    name: 'consumers',
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMiB },
  });
  const failed = new Promise<Error>((resolve) => {
    worker.on('error', (error: Error) =>
      resolve(new Error(`trend and recommendation: ${error.message}`, { cause: error })),
    );
    worker.on('exit', () => resolve(new Error('trend and recommendation: their thread has ended')));
    worker.on('message', (message: FromConsumers) => {
      if (message.type === 'failed') resolve(asError(message));
    });
  });
  const listening = new Promise<Extract<FromConsumers, { type: 'listening' }>>((resolve) => {
    worker.on('message', (message: FromConsumers) => {
      if (message.type === 'listening') resolve(message);
    });
  });
  const started = await Promise.race([listening, failed]);
  if (started instanceof Error) throw started;
  const { trendUrl, recommendationUrl } = started;
  return {
    trendUrl,
    recommendationUrl,
    failed,
    close: async () => {
      const ended = once(worker, 'exit');
      worker.postMessage('stop');
      await ended;
    },
  };
}

function asError({ code, message }: { code: ErrorCode | null; message: string }): Error {
  return code === null ? new Error(message) : new SamsaError(code, message);
}
