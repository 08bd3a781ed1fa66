import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { SamsaError } from '../../errors.ts';
import type { HttpServer } from '../../http/route-schemas.ts';
import type { Access } from '../../http/access.ts';
import type { Answers } from './answers/answers.ts';

export type RecommendationRoutesDeps = Pick<Answers, 'recommendations' | 'related'> & {
  /** Everything that had arrived by then is in the answers; ms since 1970. */
  readonly asOfMs: () => number;
  /**
   * Whose recommendations a `uid` asks for.
   * @returns null when the client may not see them.
   */
  readonly readerOf: (uid: string, request: FastifyRequest) => string | null;
};

const ReasonSchema = Type.Object({
  kind: Type.String(),
  text: Type.String(),
  book_id: Type.Optional(Type.Integer()),
  query: Type.Optional(Type.String()),
});

const RecommendationSchema = Type.Object({
  user_id: Type.String(),
  title: Type.String(),
  author: Type.String(),
  score: Type.Number(),
  book_id: Type.Integer(),
  reasons: Type.Array(ReasonSchema),
  tier: Type.String(),
  as_of: Type.String({ format: 'date-time' }),
});

const RelatedSchema = Type.Object({
  book_id: Type.Integer(),
  title: Type.String(),
  author: Type.String(),
  readers: Type.Integer(),
});

/** `GET /recommendations` and `GET /related` (docs/contract.md §2). */
export function recommendationRoutes(server: HttpServer, deps: RecommendationRoutesDeps): void {
  server.get(
    '/recommendations',
    {
      schema: {
        summary: 'What a reader might like next',
        security: [{}, { operator: [] }],
        querystring: Type.Object({
          uid: Type.String({ minLength: 1, maxLength: 200, described: { pattern: '^[A-Za-z0-9._-]+$' } }),
        }),
        response: { 200: Type.Array(RecommendationSchema) },
      },
    },
    async (request) => {
      const reader = knownReader(request.query.uid, request, deps);
      const recommended = await deps.recommendations(reader);
      const asOf = new Date(deps.asOfMs()).toISOString();
      return recommended.map(({ bookId, title, author, score, reasons, tier }) => ({
        user_id: reader,
        title,
        author,
        score: Number(score.toPrecision(6)),
        book_id: bookId,
        reasons: reasons.map((reason) => ({ ...reason })),
        tier,
        as_of: asOf,
      }));
    },
  );

  server.get(
    '/related',
    {
      schema: {
        summary: 'Books that readers of this one have read, too',
        querystring: Type.Object({ book_id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) }),
        response: { 200: Type.Array(RelatedSchema) },
      },
    },
    async (request) =>
      (await deps.related(request.query.book_id)).map(({ bookId, title, author, readers }) => {
        return { book_id: bookId, title, author, readers };
      }),
  );
}

function knownReader(uid: string, request: FastifyRequest, deps: RecommendationRoutesDeps): string {
  const reader = deps.readerOf(uid, request);
  if (reader !== null) return reader;
  throw new SamsaError(
    'reader-unknown',
    "Expected a reader's signed cookie value as uid, or the operator token: recommendations are their reader's own.",
  );
}

const readerId = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The reader whose recommendations a `uid` asks for: the signed cookie value of a reader, or any reader id in open mode
 * and with the operator token.
 * @returns a function that answers null when the request may not see them.
 */
export function createReaderCheck(
  verify: (signed: string) => string | null,
  access: Pick<Access, 'isOpenTo' | 'hasOperatorToken'>,
): (uid: string, request: FastifyRequest) => string | null {
  return (uid, request) => {
    const signed = verify(uid);
    if (signed !== null) return signed;
    if (!readerId.test(uid)) return null;
    return access.isOpenTo(request) || access.hasOperatorToken(request) ? uid : null;
  };
}
