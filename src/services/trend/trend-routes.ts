import { Type } from '@sinclair/typebox';
import { SamsaError } from '../../errors.ts';
import type { Access } from '../../http/access.ts';
import { withoutControl } from '../../http/routes.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { listLimit, type MostRead, type MostReadQuery } from './answers/most-read.ts';
import type { QueryHistory } from './answers/query-history.ts';
import { windows } from './answers/trend.ts';

export type TrendRoutesDeps = {
  readonly mostRead: MostRead;
  readonly history: QueryHistory;
  /** Everything that had arrived by then is in the answers; ms since 1970. */
  readonly asOfMs: () => number;
  readonly access: Pick<Access, 'hasOperatorToken'>;
};

const defaultTrends = 10;

const TrendSchema = Type.Object({
  query: Type.String(),
  books: Type.Array(Type.Unknown()),
  score: Type.Integer(),
  readers: Type.Integer(),
  searches: Type.Integer(),
  kind: Type.Union([Type.Literal('rising'), Type.Literal('popular')]),
  window: Type.Union(windows.map((window) => Type.Literal(window))),
  hourly: Type.Array(Type.Integer()),
  as_of: Type.String({ format: 'date-time' }),
});

const HistorySchema = Type.Object({
  query: Type.String(),
  searches: Type.Integer(),
  readers: Type.Integer(),
  hourly: Type.Array(Type.Integer()),
  daily: Type.Array(Type.Integer()),
  as_of: Type.String({ format: 'date-time' }),
});

const ListQuery = Type.Object({ ps: Type.Optional(Type.Integer({ minimum: 1, maximum: listLimit })) });

/** `GET /trends` and `GET /trends/:query` (docs/contract.md §2). */
export function trendRoutes(server: HttpServer, deps: TrendRoutesDeps): void {
  server.get(
    '/trends',
    {
      schema: {
        summary: 'What readers are searching for',
        querystring: ListQuery,
        response: { 200: Type.Array(TrendSchema) },
      },
    },
    async (request, reply) => {
      const trends = await deps.mostRead.list(request.query.ps ?? defaultTrends);
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .serializer((text: string) => text)
        .send(describeTrends(trends, deps.asOfMs()) as never);
    },
  );

  server.get(
    '/trends/:query',
    {
      schema: {
        summary: "One query's history",
        params: Type.Object({
          query: Type.String({ minLength: 1, maxLength: 400, described: { pattern: withoutControl } }),
        }),
        security: [{}, { operator: [] }],
        response: { 200: HistorySchema },
      },
    },
    async (request) => {
      const asOperator = deps.access.hasOperatorToken(request);
      const history = await deps.history(request.params.query, asOperator);
      if (history === null)
        throw new SamsaError('unknown-query', 'Nobody has searched for this, as far as can be told.');
      return {
        ...history,
        hourly: [...history.hourly],
        daily: [...history.daily],
        as_of: new Date(deps.asOfMs()).toISOString(),
      };
    },
  );
}

/** The list as JSON; the books are JSON already and put in as they stand. */
export function describeTrends(trends: readonly MostReadQuery[], asOfMs: number): string {
  const asOf = new Date(asOfMs).toISOString();
  const items = trends.map(({ label, books, score, readers, searches, window, hourly }) => {
    const rest = JSON.stringify({ score, readers, searches, kind: 'popular', window, hourly, as_of: asOf });
    return `{"query":${JSON.stringify(label)},"books":${books},${rest.slice(1)}`;
  });
  return `[${items.join(',')}]`;
}
