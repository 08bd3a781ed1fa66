import type { Config } from '../config.ts';
import { createHttpServer, listen } from '../http/server.ts';
import { openLog } from '../log/open-log.ts';
import { nextOffsets } from '../projection/ledger.ts';
import { openShownOffsets } from '../log/open-shown-offsets.ts';
import { openTrendStore } from '../services/trend/open-trend-store.ts';
import { createTrendService } from '../services/trend/trend-service.ts';
import type { RunningService } from './running-service.ts';
import { createServiceBase, rateLimitOf } from './service-base.ts';
import { logLocation, stateLocation } from './shop-places.ts';

const busyTimeoutMs = 1_000;

/**
 * Opens what the trend service stands on, in order, and lets it listen; whatever fails, what was opened is closed.
 * With `checkpointedElsewhere`, another thread of this process looks after the files' write-ahead logs.
 */
export async function startTrend(config: Config, checkpointedElsewhere = false): Promise<RunningService> {
  const base = createServiceBase('trend', config);
  const { clock, logger, registry } = base;
  const { topics } = config.mq;
  const { host, port, groupId, minimumReaders, blockedWords } = config.trend;
  await using stack = new AsyncDisposableStack();
  const location = logLocation(config);
  const log = await openLog(location, {
    clock,
    busyTimeoutMs,
    checkpointedElsewhere,
    onProblem: base.sayLogProblem,
  });
  stack.defer(() => log.close());
  const store = await openTrendStore(stateLocation(config, 'trend'), {
    clock,
    busyTimeoutMs,
    checkpointedElsewhere,
    onProblem: base.sayStoreProblem,
  });
  stack.defer(() => store.close());
  const service = createTrendService({
    ...base,
    log,
    store,
    topic: topics.searches,
    projectionName: groupId,
    settings: { minimumReaders, blockedWords, operatorToken: config.app.operatorToken },
  });
  const server = await createHttpServer({
    service: 'trend',
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
