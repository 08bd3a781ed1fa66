import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { SearchDecoder } from '../../events/book-searched.ts';
import type { Access } from '../../http/access.ts';
import type { HttpServer } from '../../http/route-schemas.ts';
import type { EventLog } from '../../log/log.ts';
import { measureProjection } from '../../projection/measure-projection.ts';
import { runProjection } from '../../projection/run-projection.ts';
import { createPrivacyRule, type PrivacySettings } from './answers/privacy.ts';
import { createQueryHistory } from './answers/query-history.ts';
import { createRecentCounts } from './answers/recent-counts.ts';
import { createTrendList } from './answers/trend-list.ts';
import { createTrendProjection, type TrendTopics } from './trend-projection.ts';
import { trendRoutes } from './trend-routes.ts';
import type { TrendStore } from './store/trend-store.ts';

export type TrendServiceDeps = {
  readonly log: EventLog;
  readonly decodeSearch: SearchDecoder;
  readonly store: TrendStore;
  readonly topics: TrendTopics;
  /** `trend.group_id`; another name reads the whole log again. */
  readonly projectionName: string;
  readonly instance: string;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly access: Access;
  readonly settings: PrivacySettings & { readonly countAnonymous?: boolean };
};

/** Shows what readers are searching for, from the searches in the log. Closing it leaves the store open. */
export function createTrendService(deps: TrendServiceDeps) {
  const { store, clock, access, settings } = deps;
  const running = runProjection({
    ...deps,
    progress: store,
    projection: createTrendProjection(deps.projectionName, deps.topics, deps.decodeSearch),
  });
  const privacyRule = createPrivacyRule({ ...settings, isPublic: access.isPublic });
  const recent = createRecentCounts(store, settings.countAnonymous);
  const trends = createTrendList({ store, recent, clock, privacyRule });
  const history = createQueryHistory({ store, clock, privacyRule });
  let live = { close: (): void => {} };
  measureProjection(deps.registry, deps.projectionName, running);
  new Gauge({
    name: 'samsa_trend_queries',
    help: 'Different queries of the last 24 hours',
    registers: [deps.registry],
    collect() {
      this.set(recent.size());
    },
  });
  return {
    routes: (server: HttpServer): void => {
      live = trendRoutes(server, { trends, history, store, clock, freshness: running.freshness, access });
    },
    ledger: running.ledger,
    readiness: running.problems,
    close: async (): Promise<void> => {
      live.close();
      await running.close();
    },
  };
}
