import { SamsaError } from '../../errors.ts';
import { lowerThreadPriority, linkToParent, toPlainError } from '../../runtime/threads.ts';
import type { ConsumersWork, FromConsumers } from './consumers-thread-link.ts';
import { createSayLogProblem, createServiceLogger, type RunningService } from './service-base.ts';
import { openSharedReading, startRecommendation, startTrend } from './start-consumer.ts';

/** The entry of the worker thread that runs both consumer services of `samsa all`. */
const { data, ...parent } = linkToParent<ConsumersWork, FromConsumers>();
const { config, becamePublic } = data;

lowerThreadPriority();
try {
  await using stack = new AsyncDisposableStack();
  const reading = await openSharedReading(config, createSayLogProblem(createServiceLogger('consumers', config)));
  stack.defer(() => reading.log.close());
  const shared = { ...reading, becamePublic };
  const services = await startTogether([startTrend(config, shared), startRecommendation(config, shared)]);
  const [trend, recommendation] = services;
  parent.tell({ type: 'listening', trendUrl: trend.url, recommendationUrl: recommendation.url });
  const opened = stack.move();
  const close = (): void => {
    void Promise.allSettled(services.map((service) => service.close())).finally(() => opened.disposeAsync());
  };
  parent.listen({ onClose: close });
} catch (error) {
  if (!(error instanceof SamsaError)) throw error;
  parent.tell({ type: 'failed', error: toPlainError(error) });
  parent.leave();
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
