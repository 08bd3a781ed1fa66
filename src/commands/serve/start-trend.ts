import type { Config } from '../../config/config.ts';
import { openTrendStore } from '../../services/trend/store/open-trend-store.ts';
import { createTrendService } from '../../services/trend/trend-service.ts';
import type { Reading } from '../state/open-reading.ts';
import type { RunningService } from './running-service.ts';
import { createServiceBase } from './service-base.ts';
import { stateLocation } from '../state/shop-places.ts';
import { startConsumer } from './start-consumer.ts';

/** Starts the trend service. @see startConsumer */
export async function startTrend(config: Config, shared: Reading | null = null): Promise<RunningService> {
  const base = createServiceBase('trend', config);
  const { groupId, minimumReaders, blockedWords } = config.trend;
  return startConsumer(config, base, shared, {
    name: 'trend',
    openStore: (options) => openTrendStore(stateLocation(config, 'trend'), options),
    create: (reading, store) =>
      createTrendService({
        ...base,
        ...reading,
        store,
        topic: config.mq.topics.searches,
        projectionName: groupId,
        settings: { minimumReaders, blockedWords, operatorToken: config.app.operatorToken },
      }),
  });
}
