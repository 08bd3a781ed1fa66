import type { Config } from '../config.ts';
import { createHttpServer, listen } from '../http/server.ts';
import { openLog } from '../log/open-log.ts';
import { nextOffsets } from '../projection/ledger.ts';
import { openShownOffsets } from '../log/open-shown-offsets.ts';
import { openRecommendationStore } from '../services/recommendation/open-recommendation-store.ts';
import { createRecommendationService } from '../services/recommendation/recommendation-service.ts';
import type { RunningService } from './running-service.ts';
import { createServiceBase, isLoopback, rateLimitOf } from './service-base.ts';
import { logLocation, stateLocation } from './shop-places.ts';

const busyTimeoutMs = 1_000;

/**
 * Opens what the recommendation service stands on, in order, and lets it listen; whatever fails, all is closed again.
 * With `checkpointedElsewhere`, another thread of this process looks after the files' write-ahead logs.
 */
export async function startRecommendation(config: Config, checkpointedElsewhere = false): Promise<RunningService> {
  const base = createServiceBase('recommendation', config);
  const { clock, logger, registry } = base;
  const { topics } = config.mq;
  const { host, port, groupId } = config.recommendation;
  await using stack = new AsyncDisposableStack();
  const location = logLocation(config);
  const log = await openLog(location, {
    clock,
    busyTimeoutMs,
    checkpointedElsewhere,
    onProblem: base.sayLogProblem,
  });
  stack.defer(() => log.close());
  const store = await openRecommendationStore(stateLocation(config, 'recommendation'), {
    clock,
    busyTimeoutMs,
    checkpointedElsewhere,
    books: {
      topic: topics.changes,
      onRenewal: () => logger.warn('nothing was read for 30 days: the books are read anew from the start of the log'),
    },
    onProblem: base.sayStoreProblem,
  });
  stack.defer(() => store.close());
  const service = createRecommendationService({
    ...base,
    log,
    store,
    topics,
    projectionName: groupId,
    settings: {
      isLoopback: isLoopback(host),
      operatorToken: config.app.operatorToken,
      verifyReader: base.signer.verify,
    },
  });
  const server = await createHttpServer({
    service: 'recommendation',
    version: base.version,
    logger,
    registry,
    readiness: service.readiness,
    rateLimitPerMinute: rateLimitOf(config, host),
    trustProxy: config.app.trustProxy,
  });
  stack.defer(async () => {
    await service.close();
    await server.close();
  });
  stack.defer(openShownOffsets(location, { groupId, offsets: () => nextOffsets(service.ledger()) }).close);
  service.routes(server);
  const { url } = await listen(server, host, port);
  const opened = stack.move();
  return { url, failed: new Promise(() => {}), close: () => opened.disposeAsync() };
}
