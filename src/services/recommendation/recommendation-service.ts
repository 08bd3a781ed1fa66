import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { SearchDecoder } from '../../events/book-searched.ts';
import type { TopicNames } from '../../events/topics.ts';
import type { Access } from '../../http/access.ts';
import type { HttpServer } from '../../http/http-server.ts';
import type { EventLog } from '../../log/log.ts';
import type { LedgerRow } from '../../projection/ledger.ts';
import { measureProjection } from '../../projection/measure-projection.ts';
import { runProjection } from '../../projection/run-projection.ts';
import { createContentIndex } from './model/content-neighbours.ts';
import { createBookFollower } from './model/follow-books.ts';
import { recommend } from './answers/recommend.ts';
import { createRecommendationProjection } from './recommendation-projection.ts';
import { createReaderCheck, recommendationRoutes } from './recommendation-routes.ts';
import type { RecommendationStore } from './store/recommendation-store.ts';

export type RecommendationServiceDeps = {
  readonly log: EventLog;
  readonly decodeSearch: SearchDecoder;
  readonly store: RecommendationStore;
  readonly topics: TopicNames;
  /** `recommendation.group_id`; another name reads the whole log again. */
  readonly projectionName: string;
  readonly instance: string;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly access: Access;
  readonly verifyReader: (signed: string) => string | null;
};

export type RecommendationService = {
  readonly routes: (server: HttpServer) => void;
  readonly readiness: () => readonly string[];
  /** As `RunningProjection`'s. */
  readonly ledger: () => readonly LedgerRow[];
  /** Stops reading the log; the store stays open. */
  readonly close: () => Promise<void>;
};

const shownRelated = 10;
const popularBooks = 50;
const popularForMs = 2_000;

/** Answers what a reader might like next, from the searches, actions and books in the log. */
export function createRecommendationService(deps: RecommendationServiceDeps): RecommendationService {
  const { store } = deps;
  const running = runProjection({
    ...deps,
    progress: store,
    projection: createRecommendationProjection(deps.projectionName, deps.topics, deps.decodeSearch),
  });
  const content = createContentIndex();
  const popular = createPopularBooks(store, () => performance.now(), content.mostPopular);
  const catchUp = createBookFollower(store, content.put);

  measureProjection(deps.registry, deps.projectionName, running);
  new Gauge({
    name: 'samsa_recommendation_books',
    help: 'Books that can be recommended',
    registers: [deps.registry],
    collect() {
      this.set(content.size());
    },
  });
  return {
    routes: (server) =>
      recommendationRoutes(server, {
        recommendations: async (reader) => {
          await catchUp();
          const taste = await store.taste(reader);
          return recommend(taste, { ...content, popular: await popular() });
        },
        related: async (bookId) => {
          await catchUp();
          return store.readTogether(bookId, shownRelated);
        },
        titleOf: content.titleOf,
        asOfMs: () => running.freshness().asOfMs,
        readerOf: createReaderCheck(deps.verifyReader, deps.access),
      }),
    ledger: running.ledger,
    readiness: running.problems,
    close: running.close,
  };
}

/**
 * The books most readers have, then those the catalogue calls popular. Counted at most once in two seconds; callers that
 * come during a count share it.
 */
function createPopularBooks(
  store: RecommendationStore,
  nowMs: () => number,
  mostPopular: (limit: number) => readonly number[],
): () => Promise<readonly number[]> {
  let read: { readonly bookIds: readonly number[]; readonly untilMs: number } = {
    bookIds: [],
    untilMs: Number.NEGATIVE_INFINITY,
  };
  let reading: Promise<void> | null = null;
  const count = async (): Promise<void> => {
    try {
      const bookIds = (await store.popularBooks(popularBooks)).map(({ bookId }) => bookId);
      read = { bookIds, untilMs: nowMs() + popularForMs };
    } finally {
      reading = null;
    }
  };
  return async () => {
    if (nowMs() >= read.untilMs) await (reading ??= count());
    return [...new Set([...read.bookIds, ...mostPopular(popularBooks)])];
  };
}
