import { Type, type Static } from '@sinclair/typebox';
import { errorCodes, type FastifyReply, type FastifyRequest } from 'fastify';
import { SamsaError } from '../../../errors.ts';
import { bookIdPattern, parseBookId, type Book } from '../../../events/book.ts';
import { longestQuery } from '../../../events/book-searched.ts';
import { readerActionNames } from '../../../events/reader-action.ts';
import { isSameHost, requireOperator, type Access } from '../../../http/access.ts';
import { formType, requireJson } from '../../../http/read-request.ts';
import { printed, type HttpServer } from '../../../http/route-schemas.ts';
import { isBlank, unseen } from '../../../text/words.ts';
import type { IdentifyReader } from './reader-identity.ts';
import { operatorActionNames, type OperatorActionSchema } from '../../../events/operator-action.ts';

/** What a reader does with a book, as in the topic `lr-reader-actions` (docs/contract.md §1). */
export type BookAction = {
  readonly action: OfferedAction;
  readonly book_id: number;
  readonly query?: string;
  /** The book's position in the results, from 1. */
  readonly position?: number;
};

/** Resolves when the action is durable in the log. */
export type RecordAction = (readerId: string, action: BookAction) => Promise<void>;

export type LookupBook = (id: number) => Book | null | Promise<Book | null>;

/** Every action but `forgotten`, which is not about a book. */
export const offeredActions = readerActionNames.filter((name) => name !== 'forgotten');
export type OfferedAction = (typeof offeredActions)[number];

const Action = Type.Unsafe<OfferedAction>({ type: 'string', enum: offeredActions });
const visibleQuery = `^${printed}[^${unseen}]${printed}$`;
const Query = Type.String({ minLength: 1, maxLength: longestQuery, described: { pattern: visibleQuery } });

const JsonBody = Type.Object(
  {
    action: Action,
    query: Type.Optional(Query),
    position: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999 })),
  },
  { additionalProperties: false },
);

/** The same from a form, where everything is text; `back` is the page to return to. */
const FormBody = Type.Object(
  {
    action: Action,
    query: Type.Optional(Query),
    position: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,5}$' })),
    back: Type.Optional(Type.String({ maxLength: 2_000 })),
  },
  { additionalProperties: false },
);

type ActionBody = Static<typeof JsonBody> | Static<typeof FormBody>;

const schema = {
  summary: 'Tell the shop what a reader did with a book',
  params: Type.Object({ id: Type.String({ pattern: bookIdPattern }) }),
  body: { content: { 'application/json': { schema: JsonBody }, [formType]: { schema: FormBody } } },
  response: {
    202: Type.Object({ book_id: Type.Integer(), action: Action }),
    303: Type.Null({ description: 'Back to the page that the form came from' }),
  },
};

type ActionDeps = {
  readonly identify: IdentifyReader;
  readonly lookupBook: LookupBook;
  readonly recordAction: RecordAction;
};

/** `POST /api/books/:id/actions`: as JSON for programs, as a form for pages without JavaScript. */
export function actionRoutes(server: HttpServer, deps: ActionDeps): void {
  server.post('/api/books/:id/actions', { schema, onRequest: refuseForeign }, async (request, reply) => {
    const id = parseBookId(request.params.id);
    if (id === null || (await deps.lookupBook(id)) === null) {
      throw new SamsaError('book-unknown', `There is no book with id ${request.params.id}.`);
    }
    const body = request.body as ActionBody;
    const reader = deps.identify(request, reply);
    await deps.recordAction(reader.id, bookAction(id, body));
    if (contentTypeOf(request) !== formType) return reply.code(202).send({ book_id: id, action: body.action });
    return goBack(reply, body);
  });
}

function bookAction(bookId: number, body: ActionBody): BookAction {
  const { action, query, position } = body;
  return {
    action,
    book_id: bookId,
    ...(query === undefined ? {} : { query: searchable(query) }),
    ...(position === undefined ? {} : { position: Number(position) }),
  };
}

/**
 * The query of an action or decision, trimmed. It must be one that can be searched. @throws SamsaError
 * `malformed-query`
 */
function searchable(query: string): string {
  const trimmed = query.trim();
  if (!isBlank(trimmed) && !/\p{Cc}/u.test(trimmed)) return trimmed;
  throw new SamsaError('malformed-query', 'query: expected text that can be seen, without control characters.');
}

/** Refuses requests that another site's page caused, and bodies that are neither JSON nor a form. */
async function refuseForeign(request: FastifyRequest): Promise<void> {
  if (!isFromThisSite(request)) {
    throw new SamsaError(
      'cross-site-request',
      'Expected a request from a page of this shop, got one that a page of another site caused. Nothing was recorded.',
    );
  }
  const type = contentTypeOf(request);
  if (type !== formType && type !== 'application/json') throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(type);
}

function contentTypeOf({ headers }: FastifyRequest): string {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Answers 303, so that reloading the page does not repeat the action. */
function goBack(reply: FastifyReply, body: { readonly action: string; readonly back?: string }): FastifyReply {
  return reply.redirect(withDone(ownPagePath(body.back), body.action), 303);
}

/**
 * Whether a request may act for the reader whose cookie it has. False when a page of another site caused it: browsers
 * say so in `Sec-Fetch-Site`, or at least in `Origin`. Other clients send neither header.
 */
function isFromThisSite(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  if (typeof site === 'string') return site === 'same-origin' || site === 'none';
  const { origin } = request.headers;
  return origin === undefined || isSameHost(origin, request.host);
}

/**
 * The given path if it leads to a page of this shop, else `/`. It is parsed as a browser does, for which `//host`,
 * `/\\host` and `/.//host` lead to other sites.
 */
export function ownPagePath(path: unknown): string {
  if (typeof path !== 'string' || path.length > 2_000 || !path.startsWith('/')) return '/';
  const url = URL.parse(path, thisShop);
  return url === null || url.origin !== thisShop || url.pathname.startsWith('//') ? '/' : url.pathname + url.search;
}

const thisShop = 'http://this.shop';

/** The path with `done`, so that the page confirms the action. */
function withDone(path: string, action: string): string {
  const url = new URL(path, thisShop);
  url.searchParams.set('done', action);
  return `${url.pathname}${url.search}`;
}

type OperatorDeps = {
  readonly access: Pick<Access, 'isOpenTo' | 'hasOperatorToken'>;
  /** Resolves when the decision is durable in the log. */
  readonly recordDecision: (decision: Static<typeof OperatorActionSchema>) => Promise<void>;
};

const Decision = Type.Object(
  {
    action: Type.Unsafe<(typeof operatorActionNames)[number]>({ type: 'string', enum: [...operatorActionNames] }),
    query: Query,
  },
  { additionalProperties: false },
);

const operatorSchema = {
  summary: 'Mute or pin a query among the trends, or take that back',
  security: [{}, { operator: [] }],
  body: Decision,
  response: { 202: Decision },
};

/** `POST /api/operator/queries` (docs/contract.md §2). */
export function operatorRoutes(server: HttpServer, { access, recordDecision }: OperatorDeps): void {
  const onRequest = [
    async (request: Parameters<typeof requireJson>[0]) => requireOperator(request, access),
    requireJson,
  ];
  server.post('/api/operator/queries', { schema: operatorSchema, onRequest }, async (request, reply) => {
    const decision = { action: request.body.action, query: searchable(request.body.query) };
    await recordDecision(decision);
    return reply.code(202).send(decision);
  });
}
