import type { Registry } from 'prom-client';
import type { Logger } from 'pino';
import { createEventSource } from '../../events/envelope.ts';
import { operatorActionRecord } from '../../events/operator-action.ts';
import { readerActionRecord } from '../../events/reader-action.ts';
import { countingKey } from '../../text/words.ts';
import type { Book } from '../../events/book.ts';
import type { SearchKeyFormat } from '../../events/book-searched.ts';
import type { TopicNames } from '../../events/topics.ts';
import type { Access } from '../../http/access.ts';
import type { HttpServer } from '../../http/route-schemas.ts';
import { createHttpServer } from '../../http/server.ts';
import type { ReaderSigner } from '../../http/signed-reader.ts';
import type { LogWithSpool } from '../../log/open-log.ts';
import { loadAssets } from './assets/assets.ts';
import { catalogueRoutes } from './catalogue/catalogue-routes.ts';
import type { OpenCatalogue } from './catalogue/catalogue.ts';
import type { Outbox } from './catalogue/outbox/outbox.ts';
import { startOutboxRelay, type OutboxRelay } from './catalogue/outbox/outbox-relay.ts';
import { pageRoutes } from './pages/page-routes.ts';
import { createProblemPages } from './pages/layout.ts';
import { createLastSearch } from './pages/panels.ts';
import { actionRoutes, operatorRoutes, type RecordAction } from './readers/action-routes.ts';
import { createSearchWeight, newReaderLimit } from './readers/search-weight.ts';
import { createReaderIdentity } from './readers/reader-identity.ts';
import { createRemoteServices } from './remote-services.ts';
import { createAnswerSearch } from './search/query/answer-search.ts';
import { createSearchPublisher } from './search/publish-search.ts';
import type { SearchIndex } from './search/search-index.ts';
import { searchRoutes } from './search/search-routes.ts';
import { measureWeb, publisherProblems, spoolProblems } from './web-monitoring.ts';

export type WebServiceDeps = {
  /** Readers' events go through the spool. Changes of books come from their outbox and go straight to the log. */
  readonly events: Omit<LogWithSpool, 'close'>;
  readonly books: OpenCatalogue;
  readonly index: SearchIndex;
  readonly topics: TopicNames;
  readonly instance: string;
  readonly version: string;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly secret: string;
  readonly signer: ReaderSigner;
  readonly access: Access;
  /** Readiness reasons from outside the service. */
  readonly moreProblems: () => readonly string[];
  readonly settings: WebSettings;
};

export type WebSettings = {
  readonly pageSize: number;
  readonly rateLimitPerMinute: number | null;
  /** `trend.new_readers_per_address`; 0 = off, null = the default of the mode. */
  readonly newReadersPerAddress: number | null;
  readonly keyFormat: SearchKeyFormat;
  readonly trendUrl: string;
  readonly recommendationUrl: string;
};

export type WebService = {
  /** Has every route. The caller makes it listen. */
  readonly server: HttpServer;
  /** Ends what the service started. Its dependencies stay open. */
  readonly close: () => Promise<void>;
};

const openWithinMs = 1_500;

/** The bookshop: pages, search and catalogue. Searching never waits for trend or recommendation. */
export async function createWebService(deps: WebServiceDeps): Promise<WebService> {
  const { books, index, topics, clock, logger, settings } = deps;
  const { log, spooled } = deps.events;
  const source = createEventSource(deps.instance, clock);
  const publisher = createSearchPublisher({
    log: spooled,
    topic: topics.searches,
    source,
    keyFormat: settings.keyFormat,
    logger,
  });
  const relay = startOutboxRelay({
    outbox: books.outbox,
    log,
    topic: topics.changes,
    owner: deps.instance,
    clock,
    logger,
  });
  const remote = createRemoteServices({
    ...settings,
    signReader: deps.signer.sign,
    serviceToken: deps.access.serviceToken,
  });
  const assets = loadAssets();
  const readiness = (): readonly string[] => [
    ...new Set([
      ...index.problems(),
      ...relay.problems(),
      ...publisherProblems(publisher),
      ...spoolProblems(deps.events),
      ...deps.moreProblems(),
    ]),
  ];
  const server = await createHttpServer({
    service: 'web',
    version: deps.version,
    logger,
    registry: deps.registry,
    readiness,
    access: deps.access,
    rateLimitPerMinute: settings.rateLimitPerMinute,
    showProblem: createProblemPages(assets),
  });
  const readers = createReaderParts(deps);
  const answerSearch = createAnswerSearch({ index, sendEvent: publisher.sendEvent });
  const lookupBook = (id: number): Promise<Book | null> => books.catalogue.get(id);
  const recordAction: RecordAction = async (reader, action) => {
    await spooled.append([readerActionRecord(topics.actions, source, reader, action)]);
  };
  catalogueRoutes(server, {
    catalogue: books.catalogue,
    applyAtOnce: index.applyAtOnce,
    access: deps.access,
  });
  searchRoutes(server, { answerSearch, index, pageSize: settings.pageSize, ...readers });
  operatorRoutes(server, {
    access: deps.access,
    recordDecision: async (decision) => {
      await spooled.append([operatorActionRecord(topics.operator, source, countingKey(decision.query), decision)]);
    },
  });
  actionRoutes(server, { identify: readers.identify, lookupBook, recordAction });
  pageRoutes(server, {
    answerSearch,
    lookupBook,
    remote,
    recordAction,
    pageSize: settings.pageSize,
    assets,
    clock,
    ...readers,
  });
  measureWeb(deps.registry, { events: deps.events, index, publisher });
  await waitForBooks(relay, index, books.outbox);
  return {
    server,
    close: async () => {
      await server.close();
      remote.close();
      await Promise.all([publisher.close(), relay.close()]);
    },
  };
}

/**
 * Waits up to 1.5 s until books can be found, so that the first readers of a new shop get answers. A longer rebuild of
 * the index shows in readiness.
 */
async function waitForBooks(relay: OutboxRelay, index: SearchIndex, outbox: Outbox): Promise<void> {
  try {
    await relay.drain(openWithinMs);
    await index.caughtUp(openWithinMs);
  } catch {
    // The log does not answer: put the changes that wait for it into the index directly.
    const rows = await outbox.read(appliedDirectly).catch(() => []);
    await Promise.allSettled(rows.map(({ change }) => index.applyAtOnce(change)));
  }
}

/** Bounds the changes applied directly. A new shop has fewer. */
const appliedDirectly = { maxRows: 2_000, maxBytes: 8 << 20 };

/** Identifies readers and decides how much their searches count. */
function createReaderParts({ signer, secret, access, clock, settings }: WebServiceDeps) {
  const mostNewReaders = newReaderLimit(settings.newReadersPerAddress, access);
  return {
    identify: createReaderIdentity({ signer, secret, clock, access, mostNewReaders }),
    weigh: createSearchWeight({ clock, mostNewReaders }),
    lastSearch: createLastSearch(clock),
  };
}
