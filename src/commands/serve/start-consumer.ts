import type { Config } from '../../config/config.ts';
import type { StateOptions } from '../../progress/store-location.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { createHttpServer, listen } from '../../http/server.ts';
import { openShownOffsets } from '../../log/open-shown-offsets.ts';
import { nextOffsets, type LedgerRow } from '../../projection/ledger.ts';
import type { RunningService } from './running-service.ts';
import { rateLimitOf, type ServiceBase } from './service-base.ts';
import { logLocation } from '../state/shop-places.ts';
import { busyTimeoutMs, openReading, type Reading } from '../state/open-reading.ts';

/** Where the services that listen to the log differ. */
export type Consumer<Store> = {
  readonly name: 'trend' | 'recommendation';
  readonly openStore: (options: StateOptions) => Promise<Store>;
  readonly create: (reading: Reading, store: Store) => ConsumerService;
};

type ConsumerService = {
  readonly routes: (server: HttpServer) => void;
  readonly readiness: () => readonly string[];
  readonly ledger: () => readonly LedgerRow[];
  readonly close: () => Promise<void>;
};

/**
 * Opens what such a service stands on, in order, and lets it answer; whatever fails, what was opened is closed again.
 * @param shared given where both consumers run on one thread of a whole shop: that closes the log after them, and has
 *   another thread that looks after the files' write-ahead logs.
 */
export async function startConsumer<Store extends { readonly close: () => Promise<void> }>(
  config: Config,
  base: ServiceBase,
  shared: Reading | null,
  { name, openStore, create }: Consumer<Store>,
): Promise<RunningService> {
  const { clock, logger, registry, version } = base;
  const { host, groupId } = config[name];
  await using stack = new AsyncDisposableStack();
  const location = logLocation(config);
  const reading = shared ?? (await openReading(config, base.sayLogProblem));
  if (shared === null) stack.defer(reading.log.close);
  const checkpointedElsewhere = shared !== null;
  const store = await openStore({ clock, busyTimeoutMs, checkpointedElsewhere, onProblem: base.sayStoreProblem });
  stack.defer(() => store.close());
  const service = create(reading, store);
  const server = await createHttpServer({
    service: name,
    version,
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
  const { url } = await listen(server, config[name], name);
  const opened = stack.move();
  return { url, failed: new Promise(() => {}), close: () => opened.disposeAsync() };
}
