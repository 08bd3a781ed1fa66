import type { Config } from '../config.ts';
import { startCheckpoints } from '../database/checkpoints.ts';
import { reason, SamsaError } from '../errors.ts';
import { listen } from '../http/server.ts';
import { logChores, openLog } from '../log/open-log.ts';
import { openStockedCatalogue } from '../services/web/catalogue/open-catalogue.ts';
import { openSearchIndex } from '../services/web/search/search-index.ts';
import { createWebService } from '../services/web/web-service.ts';
import type { RunningService } from './running-service.ts';
import { createServiceBase, isLoopback, rateLimitOf } from './service-base.ts';
import { shopFiles } from './shop-files.ts';
import { logLocation } from './shop-places.ts';

/** On the thread that answers requests nobody waits longer for another writer. */
const busyTimeoutMs = 50;
const newReadersPerAddress = 20;

/** Where the bookshop finds the other two services. */
export type RemoteUrls = { readonly trendUrl: string; readonly recommendationUrl: string };

/**
 * Opens what the bookshop stands on, in order, and lets it listen; whatever fails, what was opened is closed again. The
 * other two may still be starting meanwhile.
 */
export async function startWeb(config: Config, remote: Promise<RemoteUrls>): Promise<RunningService> {
  const base = createServiceBase('web', config);
  const { clock, logger } = base;
  const files = shopFiles(config);
  const { topics } = config.mq;
  const location = logLocation(config);
  if (location.kind === 'kafka')
    throw new SamsaError('bad-configuration', 'mq.brokers: the web service does not publish to Kafka yet.');
  await using stack = new AsyncDisposableStack();
  const checkpoints = startCheckpoints(Object.values(files), {
    onProblem: (problem) => logger.warn({ error: reason(problem) }, 'checkpoints'),
    chores: logChores(location),
  });
  stack.defer(checkpoints.close);
  const log = await openLog(location, {
    clock,
    busyTimeoutMs,
    sync: config.mq.spoolSync,
    checkpointedElsewhere: true,
    onProblem: base.sayLogProblem,
  });
  stack.defer(() => log.close());
  const opening = openSearchIndex({ path: files.searchIndex, log: location, logger });
  stack.defer(() => opening.then(({ close }) => close()).catch(() => {}));
  const books = await openStockedCatalogue(
    { kind: 'sqlite', path: files.catalogue },
    { clock, busyTimeoutMs, checkpointedElsewhere: true, onProblem: (problem) => logger.warn(problem) },
  );
  stack.defer(books.close);
  const index = await opening;
  const { host, port, pageSize, operatorToken, trustProxy } = config.app;
  const service = await createWebService({
    ...base,
    log,
    books,
    index,
    topics,
    settings: {
      pageSize,
      host,
      operatorToken,
      trustProxy,
      rateLimitPerMinute: rateLimitOf(config, host),
      newReadersPerAddress: config.trend.newReadersPerAddress ?? (isLoopback(host) ? 0 : newReadersPerAddress),
      ...(await remote),
    },
  });
  stack.defer(service.close);
  const { url } = await listen(service.server, host, port);
  const opened = stack.move();
  return { url, failed: new Promise(() => {}), close: () => opened.disposeAsync() };
}
