import type { Config } from '../../config/config.ts';
import { reason } from '../../errors.ts';
import { fromPlainError, startWorker, type PlainError } from '../../runtime/threads.ts';

/** What the thread is started with. */
export type ConsumersWork = {
  readonly config: Config;
  /** As `AccessOptions.becamePublic`. */
  readonly becamePublic: Int32Array;
};

/** What the consumers' thread tells the main thread. */
export type FromConsumers =
  | { readonly type: 'listening'; readonly trendUrl: string; readonly recommendationUrl: string }
  | { readonly type: 'failed'; readonly error: PlainError };

export type RunningConsumers = {
  readonly trendUrl: string;
  readonly recommendationUrl: string;
  /** Resolves when one of them cannot go on. */
  readonly failed: Promise<Error>;
  readonly close: () => Promise<void>;
};

/**
 * V8 collects garbage when a third of this is full. At ten thousand searches a second that takes about as long as a
 * read is kept in memory. With half the size, most of each read would be copied twice. Only the stores keep data for
 * longer.
 */
const youngGenerationMiB = 32;

/**
 * Starts the trend and the recommendation service together in one worker thread of this process and resolves when both
 * listen.
 * @throws SamsaError whatever kept one of them from starting; then neither runs.
 */
export async function startConsumersThread(data: ConsumersWork): Promise<RunningConsumers> {
  const listening = Promise.withResolvers<Extract<FromConsumers, { type: 'listening' }>>();
  const failed = Promise.withResolvers<Error>();
  const { close } = startWorker<never, FromConsumers>({
    entry: new URL('./consumers-thread.ts', import.meta.url),
    name: 'consumers',
    data,
    youngGenerationMiB,
    onMessage: (message) => {
      if (message.type === 'listening') listening.resolve(message);
      else failed.resolve(fromPlainError(message.error));
    },
    onEnd: (cause) => {
      const why = cause === undefined ? 'their thread has ended' : reason(cause);
      failed.resolve(new Error(`trend and recommendation: ${why}`, { cause }));
    },
  });
  const started = await Promise.race([listening.promise, failed.promise]);
  if (started instanceof Error) throw started;
  const { trendUrl, recommendationUrl } = started;
  return { trendUrl, recommendationUrl, failed: failed.promise, close: () => close() };
}
