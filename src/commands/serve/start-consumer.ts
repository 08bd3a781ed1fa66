import type { Config } from '../../config/config.ts';
import { reason, type SamsaError } from '../../errors.ts';
import { createBookSearchedDecoder, decodingOnce, type SearchDecoder } from '../../events/book-searched.ts';
import type { HttpServer } from '../../http/route-schemas.ts';
import { listen } from '../../http/connections.ts';
import { createHttpServer } from '../../http/server.ts';
import type { EventLog } from '../../log/log.ts';
import { openLog, openShownOffsets } from '../../log/open-log.ts';
import { shareReads } from '../../log/shared-reads.ts';
import type { StateOptions } from '../../progress/state.ts';
import { nextOffsets, type LedgerRow } from '../../projection/ledger.ts';
import { logLocation, stateLocation } from '../state/shop-locations.ts';
import { createServiceBase, watchFiles, type ServiceBase, type RunningService } from './service-base.ts';

/** The log and the decoder from which a consumer service reads its events. */
type Reading = { readonly log: EventLog; readonly decodeSearch: SearchDecoder };

/** What both services of a whole shop share on their thread. */
export type Shared = Reading & { readonly becamePublic: Int32Array };

type Consumer<Store> = {
  readonly name: 'trend' | 'recommendation';
  readonly openStore: (options: StateOptions) => Promise<Store>;
  readonly create: (reading: Reading, store: Store) => ConsumerService;
};

/** What `createTrendService` and `createRecommendationService` return. */
type ConsumerService = {
  readonly routes: (server: HttpServer) => void;
  readonly readiness: () => readonly string[];
  readonly ledger: () => readonly LedgerRow[];
  readonly close: () => Promise<void>;
};

/** Long, because no request waits for a write of these services. */
const busyTimeoutMs = 1_000;

/**
 * Starts the trend service.
 * @param shared given when both consumers run on one thread of a whole shop. That thread closes the log after them, and
 *   another thread checkpoints the files.
 */
export async function startTrend(config: Config, shared: Shared | null = null): Promise<RunningService> {
  const base = createServiceBase('trend', config, shared?.becamePublic ?? new Int32Array(1));
  const { openTrendStore } = await import('../../services/trend/state.ts');
  const { createTrendService } = await import('../../services/trend/trend-service.ts');
  const { groupId, minimumReaders, blockedWords, countAnonymous } = config.trend;
  return startConsumer(config, base, shared, {
    name: 'trend',
    openStore: (options) => openTrendStore(stateLocation(config, 'trend'), options),
    create: (reading, store) =>
      createTrendService({
        ...base,
        ...reading,
        store,
        topics: config.mq.topics,
        projectionName: groupId,
        settings: { minimumReaders, blockedWords, countAnonymous },
      }),
  });
}

/** Starts the recommendation service. @see startTrend */
export async function startRecommendation(config: Config, shared: Shared | null = null): Promise<RunningService> {
  const base = createServiceBase('recommendation', config, shared?.becamePublic ?? new Int32Array(1));
  const { openRecommendationStore } = await import('../../services/recommendation/state.ts');
  const { createRecommendationService } = await import('../../services/recommendation/recommendation-service.ts');
  const { openAnswers } = await import('../../services/recommendation/answers/open-answers.ts');
  const { topics } = config.mq;
  const location = stateLocation(config, 'recommendation');
  const onRenewal = (): void =>
    base.logger.warn('nothing was read for 30 days: the books are read again from the start of the log');
  return startConsumer(config, base, shared, {
    name: 'recommendation',
    openStore: (options) =>
      openRecommendationStore(location, {
        ...options,
        books: { topic: topics.changes, onRenewal },
      }),
    create: (reading, store) =>
      createRecommendationService({
        ...base,
        ...reading,
        store,
        answers: openAnswers(location, {
          checkpointedElsewhere: shared !== null,
          onProblem: (error) => base.logger.warn({ error: reason(error) }, 'answers'),
        }),
        topics,
        projectionName: config.recommendation.groupId,
        verifyReader: base.signer.verify,
      }),
  });
}

/** Opens what the service needs, in order, then listens. On failure it closes what it opened. */
async function startConsumer<Store extends { readonly close: () => Promise<void> }>(
  config: Config,
  base: ServiceBase,
  shared: Shared | null,
  { name, openStore, create }: Consumer<Store>,
): Promise<RunningService> {
  const { clock, logger, registry, version } = base;
  const { groupId } = config[name];
  await using stack = new AsyncDisposableStack();
  const location = logLocation(config);
  const reading = shared ?? (await openReading(config, base.sayLogProblem, false));
  if (shared === null) stack.defer(reading.log.close);
  const checkpointedElsewhere = shared !== null;
  const store = await openStore({ clock, busyTimeoutMs, checkpointedElsewhere, onProblem: base.sayStoreProblem });
  stack.defer(() => store.close());
  const service = create(reading, store);
  const locations = [location, stateLocation(config, name)];
  const files = watchFiles(
    locations.flatMap((one) => (one.kind === 'sqlite' ? [one.path] : [])),
    base,
  );
  stack.defer(async () => files.close());
  const server = await createHttpServer({
    service: name,
    version,
    logger,
    registry,
    readiness: () => [...service.readiness(), ...files.problems()],
    access: base.access,
    rateLimitPerMinute: config.app.rateLimit,
  });
  stack.defer(async () => {
    await service.close();
    await server.close();
  });
  stack.defer(openShownOffsets(location, { groupId, offsets: () => nextOffsets(service.ledger()) }).close);
  service.routes(server);
  const { url } = await listen(server, config[name], name);
  const opened = stack.move();
  return { url, close: () => opened.disposeAsync() };
}

type OnProblem = (problem: SamsaError | null) => void;

async function openReading(config: Config, onProblem: OnProblem, checkpointedElsewhere: boolean): Promise<Reading> {
  const log = await openLog(logLocation(config), { clock: Date.now, busyTimeoutMs, checkpointedElsewhere, onProblem });
  return { log, decodeSearch: createBookSearchedDecoder() };
}

/**
 * For both services on one thread of a whole shop: each event is read and decoded once for both.
 * @throws SamsaError as `openLog`.
 */
export async function openSharedReading(config: Config, onProblem: OnProblem): Promise<Reading> {
  const { log, decodeSearch } = await openReading(config, onProblem, true);
  return { log: shareReads(log), decodeSearch: decodingOnce(decodeSearch) };
}
