import type { Config } from '../../config/config.ts';
import { openRecommendationStore } from '../../services/recommendation/store/open-recommendation-store.ts';
import { createRecommendationService } from '../../services/recommendation/recommendation-service.ts';
import type { Reading } from '../state/open-reading.ts';
import type { RunningService } from './running-service.ts';
import { createServiceBase, isLoopback } from './service-base.ts';
import { stateLocation } from '../state/shop-places.ts';
import { startConsumer } from './start-consumer.ts';

/** Starts the recommendation service. @see startConsumer */
export async function startRecommendation(config: Config, shared: Reading | null = null): Promise<RunningService> {
  const base = createServiceBase('recommendation', config);
  const { topics } = config.mq;
  const onRenewal = (): void =>
    base.logger.warn('nothing was read for 30 days: the books are read anew from the start of the log');
  return startConsumer(config, base, shared, {
    name: 'recommendation',
    openStore: (options) =>
      openRecommendationStore(stateLocation(config, 'recommendation'), {
        ...options,
        books: { topic: topics.changes, onRenewal },
      }),
    create: (reading, store) =>
      createRecommendationService({
        ...base,
        ...reading,
        store,
        topics,
        projectionName: config.recommendation.groupId,
        settings: {
          isLoopback: isLoopback(config.recommendation.host),
          operatorToken: config.app.operatorToken,
          verifyReader: base.signer.verify,
        },
      }),
  });
}
