import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { SearchDecoder } from '../../events/book-searched.ts';
import type { TopicNames } from '../../events/topics.ts';
import type { Access } from '../../http/access.ts';
import type { HttpServer } from '../../http/route-schemas.ts';
import type { EventLog } from '../../log/log.ts';
import { measureProjection } from '../../projection/measure-projection.ts';
import { runProjection } from '../../projection/run-projection.ts';
import type { Answers } from './answers/answers.ts';
import { createRecommendationProjection } from './recommendation-projection.ts';
import { createReaderCheck, recommendationRoutes } from './recommendation-routes.ts';
import type { RecommendationStore } from './store/recommendation-store.ts';

export type RecommendationServiceDeps = {
  readonly log: EventLog;
  readonly decodeSearch: SearchDecoder;
  readonly store: RecommendationStore;
  /** From the same state. The service closes it. */
  readonly answers: Answers;
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

/**
 * Answers what a reader might like next, from the searches, actions and books in the log. Closing it leaves the store
 * open.
 */
export function createRecommendationService(deps: RecommendationServiceDeps) {
  const { store, answers } = deps;
  const running = runProjection({
    ...deps,
    progress: store,
    projection: createRecommendationProjection(deps.projectionName, deps.topics, deps.decodeSearch),
  });
  measureProjection(deps.registry, deps.projectionName, running);
  new Gauge({
    name: 'samsa_recommendation_books',
    help: 'Books that can be recommended',
    registers: [deps.registry],
    collect() {
      this.set(answers.size());
    },
  });
  return {
    routes: (server: HttpServer): void =>
      recommendationRoutes(server, {
        recommendations: answers.recommendations,
        related: answers.related,
        asOfMs: () => running.freshness().asOfMs,
        readerOf: createReaderCheck(deps.verifyReader, deps.access),
      }),
    ledger: running.ledger,
    readiness: running.problems,
    close: async (): Promise<void> => {
      await running.close();
      await answers.close();
    },
  };
}
