import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { HttpServer } from '../../http/server.ts';
import type { EventLog } from '../../log/log.ts';
import { runProjection } from '../../projection/run-projection.ts';
import { liveTrendsRoute } from './live-trends.ts';
import { createMostRead } from './most-read.ts';
import { createPrivacyRule, type PrivacySettings } from './privacy.ts';
import { createQueryHistory } from './query-history.ts';
import { createTrendProjection } from './trend-projection.ts';
import { describeTrends, trendRoutes } from './trend-routes.ts';
import type { TrendStore } from './trend-store.ts';

export type TrendServiceDeps = {
  readonly log: EventLog;
  readonly store: TrendStore;
  /** The topic of searches. */
  readonly topic: string;
  /** `trend.group_id`; another name reads the whole log again. */
  readonly projectionName: string;
  readonly instance: string;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly settings: PrivacySettings & { readonly operatorToken: string | null };
};

export type TrendService = {
  readonly routes: (server: HttpServer) => void;
  readonly readiness: () => readonly string[];
  /** Stops reading the log; the store stays open. */
  readonly close: () => Promise<void>;
};

/** More unread events than this, or older ones, and answers are called lagging. */
const lagging = { events: 10_000, ms: 10_000 };
const liveTrends = 10;

/** Tells what readers are searching for, from the searches in the log. */
export function createTrendService(deps: TrendServiceDeps): TrendService {
  const { store, clock, settings } = deps;
  const running = runProjection({
    ...deps,
    progress: store,
    projection: createTrendProjection(deps.projectionName, deps.topic),
  });
  const privacyRule = createPrivacyRule(settings);
  const mostRead = createMostRead({ store, clock, privacyRule });
  const history = createQueryHistory({ store, clock, privacyRule });
  const asOfMs = (): number => running.freshness().asOfMs;
  let live = { close: (): void => {} };
  measure(deps.registry, running.freshness, mostRead.queriesKnown);
  return {
    routes: (server) => {
      trendRoutes(server, { mostRead, history, asOfMs, operatorToken: settings.operatorToken });
      live = liveTrendsRoute(server, async () => {
        const trends = await mostRead.list(liveTrends);
        return { items: describeTrends(trends, 0), answer: describeTrends(trends, asOfMs()) };
      });
    },
    readiness: () => {
      const { lagEvents, lagMs } = running.freshness();
      const late = lagEvents > lagging.events || (lagEvents > 0 && lagMs > lagging.ms);
      return late ? [...running.problems(), 'lagging'] : running.problems();
    },
    close: async () => {
      live.close();
      await running.close();
    },
  };
}

function measure(
  registry: Registry,
  freshness: () => { readonly lagEvents: number; readonly lagMs: number },
  queriesKnown: () => number,
): void {
  const gauges = [
    ['samsa_trend_lag_events', 'Searches in the log that are not counted yet', () => freshness().lagEvents],
    ['samsa_trend_lag_seconds', 'How long ago the counts were complete', () => freshness().lagMs / 1_000],
    ['samsa_trend_queries', 'Different queries of the last 24 hours', queriesKnown],
  ] as const;
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
}
