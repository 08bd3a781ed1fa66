import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { SamsaError } from '../errors.ts';
import { startTogether } from './running-service.ts';
import type { FromConsumers } from './consumers-thread-link.ts';
import { startRecommendation } from './start-recommendation.ts';
import { startTrend } from './start-trend.ts';

/** The entry of the worker thread that runs both consumer services where the whole shop is one process. */
const config: Config = workerData;
const tell = (message: FromConsumers): void => parentPort!.postMessage(message);

try {
  const [trend, recommendation] = await startTogether([startTrend(config, true), startRecommendation(config, true)]);
  tell({ type: 'listening', trendUrl: trend.url, recommendationUrl: recommendation.url });
  for (const { failed } of [trend, recommendation]) {
    void failed.then(({ message }) => tell({ type: 'failed', code: null, message }));
  }
  parentPort!.once('message', () => {
    void Promise.all([trend.close(), recommendation.close()]).finally(() => parentPort!.close());
  });
} catch (error) {
  if (!(error instanceof SamsaError)) throw error;
  tell({ type: 'failed', code: error.code, message: error.message });
  parentPort!.close();
}
