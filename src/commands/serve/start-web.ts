import { existsSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { startCheckpoints } from '../../sqlite/checkpoints.ts';
import { reason } from '../../errors.ts';
import { listen } from '../../http/connections.ts';
import { logChores, openLogWithSpool } from '../../log/open-log.ts';
import { openStockedCatalogue } from '../../services/web/catalogue/store/open-catalogue.ts';
import { fillLog, raiseAboveLog } from '../../services/web/catalogue/store/sqlite/reconcile-with-log.ts';
import { openSearchIndex } from '../../services/web/search/search-index.ts';
import { createWebService } from '../../services/web/web-service.ts';
import { createServiceBase, watchFiles, type RunningService } from './service-base.ts';
import { catalogueLocation, logLocation, shopFiles } from '../state/shop-locations.ts';

/** The thread that answers requests never waits longer than this for another writer. */
const busyTimeoutMs = 50;

/** The addresses of the other two services. */
export type RemoteUrls = { readonly trendUrl: string; readonly recommendationUrl: string };

/**
 * Opens what the bookshop needs, in order, then listens. On failure it closes what it opened. The other two services
 * may still be starting.
 */
export async function startWeb(
  config: Config,
  remote: Promise<RemoteUrls>,
  becamePublic: Int32Array = new Int32Array(1),
): Promise<RunningService> {
  const base = createServiceBase('web', config, becamePublic);
  const { clock, logger } = base;
  const files = shopFiles(config);
  const { topics } = config.mq;
  const location = logLocation(config);
  await using stack = new AsyncDisposableStack();
  const checkpoints = startCheckpoints(
    [files.log, files.catalogue, files.searchIndex, files.trend, files.recommendation],
    {
      onProblem: (problem) => logger.warn({ error: reason(problem) }, 'checkpoints'),
      chores: logChores(location),
    },
  );
  stack.defer(checkpoints.close);
  const { spoolSync, spoolLimitMb, spoolOverflow } = config.mq;
  const events = await openLogWithSpool(
    location,
    { clock, busyTimeoutMs, sync: spoolSync, checkpointedElsewhere: true, onProblem: base.sayLogProblem },
    {
      folder: files.spools,
      limitBytes: spoolLimitMb * 2 ** 20,
      overflow: spoolOverflow,
      onProblem: base.saySpoolProblem,
      onSetAside: (why) => logger.error({ why }, 'the brokers refused events: samsa spool list shows them'),
    },
  );
  stack.defer(events.close);
  const catalogueAt = catalogueLocation(config);
  if (catalogueAt.kind === 'sqlite') {
    const wasOpened = existsSync(files.searchIndex);
    const place = { path: catalogueAt.path, log: events.log, topic: topics.changes };
    const raised = await raiseAboveLog({ ...place, wasOpened }, clock);
    if (raised === null) logger.warn('the log does not answer: whether the catalogue is older than the log is unknown');
    else if (raised > 0)
      logger.warn({ books: raised }, 'the catalogue is older than the log: its books got new versions');
    const missing = raised === null ? null : await fillLog(place, clock);
    if (missing) logger.warn({ books: missing }, 'the log has lost changes of books: they are sent to it again');
  }
  const opening = openSearchIndex({ path: files.searchIndex, log: location, logger });
  stack.defer(() => opening.then(({ close }) => close()).catch(() => {}));
  const books = await openStockedCatalogue(catalogueAt, {
    clock,
    busyTimeoutMs,
    checkpointedElsewhere: true,
    onProblem: base.sayStoreProblem,
    onNotAdopted: (problem) => logger.error(problem),
  });
  stack.defer(books.close);
  const index = await opening;
  // Closed at the same time, since each may wait some seconds for a cluster that does not answer.
  stack.defer(async () => {
    await Promise.all([index.close(), events.close()]);
  });
  const secret = config.app.secret === null ? [files.secret] : [];
  const watched = watchFiles([files.log, files.catalogue, files.searchIndex, ...secret], {
    ...base,
    rebuilt: [files.searchIndex, ...secret],
  });
  stack.defer(async () => watched.close());
  const service = await createWebService({
    ...base,
    moreProblems: watched.problems,
    events,
    books,
    index,
    topics,
    settings: {
      pageSize: config.app.pageSize,
      keyFormat: config.mq.keyFormat,
      rateLimitPerMinute: config.app.rateLimit,
      newReadersPerAddress: config.trend.newReadersPerAddress,
      ...(await remote),
    },
  });
  stack.defer(service.close);
  const { url } = await listen(service.server, config.app, 'app');
  const opened = stack.move();
  return { url, close: () => opened.disposeAsync() };
}
