import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../../config/config.ts';
import { SamsaError } from '../../errors.ts';
import { giveWay } from '../../runtime/give-way.ts';
import type { FromConsumers } from './consumers-thread-link.ts';
import type { RunningService } from './running-service.ts';
import { createSayLogProblem, createServiceLogger } from './service-base.ts';
import { openSharedReading, startRecommendation, startTrend } from './start-consumer.ts';

/** The entry of the worker thread that runs both consumer services of `samsa all`. */
const config: Config = workerData;
const tell = (message: FromConsumers): void => parentPort!.postMessage(message);

giveWay();
try {
  await using stack = new AsyncDisposableStack();
  const reading = await openSharedReading(config, createSayLogProblem(createServiceLogger('consumers', config)));
  stack.defer(() => reading.log.close());
  const services = await startTogether([startTrend(config, reading), startRecommendation(config, reading)]);
  const [trend, recommendation] = services;
  tell({ type: 'listening', trendUrl: trend.url, recommendationUrl: recommendation.url });
  for (const { failed } of services) void failed.then(({ message }) => tell({ type: 'failed', code: null, message }));
  const opened = stack.move();
  parentPort!.once('message', () => {
    void Promise.allSettled(services.map(({ close }) => close()))
      .finally(() => opened.disposeAsync())
      .finally(() => parentPort!.close());
  });
} catch (error) {
  if (!(error instanceof SamsaError)) throw error;
  tell({ type: 'failed', code: error.code, message: error.message });
  parentPort!.close();
}

/** Resolves when both listen. When one cannot start, closes the other first. */
async function startTogether(
  starting: readonly [Promise<RunningService>, Promise<RunningService>],
): Promise<readonly [RunningService, RunningService]> {
  const [one, other] = await Promise.allSettled(starting);
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value];
  for (const started of [one, other]) if (started.status === 'fulfilled') await started.value.close();
  throw one.status === 'rejected' ? one.reason : (other as PromiseRejectedResult).reason;
}
