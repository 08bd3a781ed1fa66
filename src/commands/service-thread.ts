import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { SamsaError } from '../errors.ts';
import type { FromThread, ThreadedService } from './start-thread.ts';
import type { RunningService } from './running-service.ts';

/** The entry of a worker thread that runs one consumer service: trend or recommendation. */
const { service, config }: { service: ThreadedService; config: Config } = workerData;
const tell = (message: FromThread): void => parentPort!.postMessage(message);

async function start(): Promise<RunningService> {
  if (service === 'trend') return (await import('./start-trend.ts')).startTrend(config);
  return (await import('./start-recommendation.ts')).startRecommendation(config);
}

try {
  const running = await start();
  tell({ type: 'listening', url: running.url });
  void running.failed.then(({ message }) => tell({ type: 'failed', code: null, message }));
  parentPort!.once('message', () => {
    void running.close().finally(() => parentPort!.close());
  });
} catch (error) {
  if (!(error instanceof SamsaError)) throw error;
  tell({ type: 'failed', code: error.code, message: error.message });
  parentPort!.close();
}
