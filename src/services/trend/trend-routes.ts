import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { SamsaError } from '../../errors.ts';
import type { Book } from '../../events/book.ts';
import type { Access } from '../../http/access.ts';
import { withoutControl, type HttpServer } from '../../http/route-schemas.ts';
import type { Freshness } from '../../projection/ledger.ts';
import { liveTrendsRoute } from './answers/live-trends.ts';
import type { QueryHistory } from './answers/query-history.ts';
import { listLimit, type ListedTrend, type TrendList } from './answers/trend-list.ts';
import { hourOfTime, windows, windowStart } from './hours.ts';
import type { TrendStore, UnansweredQuery } from './store/trend-store.ts';

export type TrendRoutesDeps = {
  readonly trends: TrendList;
  readonly history: QueryHistory;
  readonly store: Pick<TrendStore, 'unanswered' | 'onCounted'>;
  readonly clock: () => number;
  readonly freshness: () => Pick<Freshness, 'asOfMs'>;
  readonly access: Pick<Access, 'hasOperatorToken' | 'isOpenTo' | 'isPublic' | 'clientOf'>;
};

const defaultTrends = 10;
const liveTrends = 10;
const mostUnanswered = 100;

const WindowSchema = Type.Union(windows.map((window) => Type.Literal(window)));

const TrendSchema = Type.Object({
  query: Type.String(),
  books: Type.Array(Type.Unknown()),
  score: Type.Number(),
  readers: Type.Integer(),
  searches: Type.Integer(),
  kind: Type.Union([Type.Literal('rising'), Type.Literal('popular')]),
  window: WindowSchema,
  before: Type.Union([Type.Integer(), Type.Null()]),
  why: Type.String(),
  hourly: Type.Array(Type.Integer()),
  variants: Type.Array(Type.Object({ query: Type.String(), readers: Type.Integer() })),
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

const UnansweredSchema = Type.Object({
  query: Type.String(),
  readers: Type.Integer(),
  searches: Type.Integer(),
  last: Type.String({ format: 'date-time' }),
  nearest: Type.Union([Type.String(), Type.Null()]),
});

const ListQuery = Type.Object({
  ps: Type.Optional(Type.Integer({ minimum: 1, maximum: listLimit })),
  window: Type.Optional(WindowSchema),
});

/**
 * `GET /trends`, `GET /trends/live`, `GET /trends/unanswered` and `GET /trends/:query` (docs/contract.md §2).
 * @returns what ends the live streams.
 */
export function trendRoutes(server: HttpServer, deps: TrendRoutesDeps): { readonly close: () => void } {
  const asOfMs = (): number => deps.freshness().asOfMs;
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
      const { ps = defaultTrends, window = null } = request.query;
      const trends = await deps.trends.list(ps, window);
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .serializer((text: string) => text)
        .send(describeTrends(trends, asOfMs()) as never);
    },
  );

  server.get(
    '/trends/unanswered',
    {
      schema: {
        summary: 'Searches that no book answered, for operators',
        security: [{}, { operator: [] }],
        querystring: Type.Object({ window: Type.Optional(WindowSchema) }),
        response: { 200: Type.Array(UnansweredSchema) },
      },
    },
    async (request) => {
      if (!deps.access.isOpenTo(request) && !deps.access.hasOperatorToken(request)) {
        throw new SamsaError('operator-only', 'Expected the operator token: Authorization: Bearer …');
      }
      const nowHour = hourOfTime(deps.clock());
      const from = windowStart(request.query.window ?? '24h', nowHour);
      return (await deps.store.unanswered(from, nowHour, mostUnanswered)).map(describeUnanswered);
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
    async (request) => describeHistory(deps, request.params.query, request),
  );

  return liveTrendsRoute(server, {
    look: async () => {
      const listed = await deps.trends.list(liveTrends, null, true);
      return { items: describeTrends(listed, 0), answer: describeTrends(listed, asOfMs()) };
    },
    access: deps.access,
    onCounted: deps.store.onCounted,
    history: (request) => describeHistory(deps, 'live', request),
  });
}

/** @throws SamsaError `unknown-query` */
async function describeHistory(
  { history, access, freshness }: TrendRoutesDeps,
  query: string,
  request: FastifyRequest,
) {
  const found = await history(query, access.hasOperatorToken(request));
  if (found === null) throw new SamsaError('unknown-query', 'Nobody has searched for this query, or it is not shown.');
  return {
    ...found,
    hourly: [...found.hourly],
    daily: [...found.daily],
    as_of: new Date(freshness().asOfMs).toISOString(),
  };
}

/** `nearest` is the spelling that was searched instead, else the first book shown. */
function describeUnanswered({ key, readers, searches, lastMs, corrected, books }: UnansweredQuery) {
  const [book] = books === null ? [] : (JSON.parse(books) as readonly Book[]);
  const nearest = corrected ?? book?.title ?? null;
  return { query: key, readers, searches, last: new Date(lastMs).toISOString(), nearest };
}

type Pieces = readonly string[];
const known = new WeakMap<readonly ListedTrend[], Pieces>();
let latest: { readonly pieces: Pieces; readonly asOf: string; readonly text: string } | null = null;

/**
 * The list as JSON. The books are JSON already and are inserted unchanged. The text is remembered for each list and
 * time.
 */
function describeTrends(trends: readonly ListedTrend[], asOfMs: number): string {
  let pieces = known.get(trends);
  if (pieces === undefined) {
    pieces = piecesOf(trends);
    known.set(trends, pieces);
  }
  const asOf = new Date(asOfMs).toISOString();
  if (latest?.pieces !== pieces || latest.asOf !== asOf) latest = { pieces, asOf, text: pieces.join(asOf) };
  return latest.text;
}

/** The text around the time of each row: one piece more than rows. */
function piecesOf(trends: readonly ListedTrend[]): Pieces {
  if (trends.length === 0) return ['[]'];
  const pieces = ['['];
  for (const [at, { query, books, ...rest }] of trends.entries()) {
    const start = `${at === 0 ? '' : ','}{"query":${JSON.stringify(query)},"books":${books},`;
    pieces[pieces.length - 1] += `${start}${JSON.stringify(rest).slice(1, -1)},"as_of":"`;
    pieces.push('"}');
  }
  pieces[pieces.length - 1] += ']';
  return pieces;
}
