import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { SamsaError, type ErrorCode } from '../errors.ts';
import type { RunningService } from './running-service.ts';

export type ThreadedService = 'trend' | 'recommendation';

/** What a service thread tells the main thread. */
export type FromThread =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'failed'; readonly code: ErrorCode | null; readonly message: string };

/**
 * Starts a consumer service in a worker thread of this process and resolves when it listens.
 * @throws SamsaError whatever kept it from starting.
 */
export async function startThread(service: ThreadedService, config: Config): Promise<RunningService> {
  const worker = new Worker(new URL('./service-thread.ts', import.meta.url), {
    workerData: { service, config },
    name: service,
    resourceLimits: { maxYoungGenerationSizeMb: 16 },
  });
  const failed = new Promise<Error>((resolve) => {
    worker.on('error', (error: Error) => resolve(new Error(`${service}: ${error.message}`, { cause: error })));
    worker.on('exit', () => resolve(new Error(`${service}: its thread has ended`)));
    worker.on('message', (message: FromThread) => {
      if (message.type === 'failed') resolve(asError(service, message));
    });
  });
  const listening = new Promise<string>((resolve) => {
    worker.on('message', (message: FromThread) => {
      if (message.type === 'listening') resolve(message.url);
    });
  });
  const started = await Promise.race([listening, failed]);
  if (started instanceof Error) throw started;
  return {
    url: started,
    failed,
    close: async () => {
      const ended = once(worker, 'exit');
      worker.postMessage('stop');
      await ended;
    },
  };
}

function asError(service: ThreadedService, { code, message }: { code: ErrorCode | null; message: string }): Error {
  return code === null ? new Error(`${service}: ${message}`) : new SamsaError(code, message);
}
