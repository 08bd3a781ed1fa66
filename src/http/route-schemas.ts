import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
  type FastifySchema,
  type RouteOptions,
} from 'fastify';

/** A Fastify server whose routes take their types from TypeBox schemas. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/**
 * `GET /openapi.json`: every route with its schema. The library that writes it is loaded at the first request, since it
 * takes memory and time, and most processes are never asked.
 *
 * A schema may have `described`: keywords that are shown here but checked by the route itself, which has a better
 * message or code than the validator.
 */
export function describeRoutes(server: HttpServer, title: string, version: string): void {
  const routes: RouteOptions[] = [];
  let description: Promise<unknown> | null = null;
  server.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD') routes.push(route);
  });
  const schema = { summary: 'This description', response: { 200: anyObject } };
  server.get('/openapi.json', { schema }, async (_request, reply) => {
    description ??= describe(routes, title, version);
    void reply.header('cache-control', 'no-cache').type('application/json; charset=utf-8');
    return reply.send(JSON.stringify(await description));
  });
}

/** Patterns for `described`: any text without control characters, as a part of a pattern and as a whole one. */
export const printed = '[^\\u0000-\\u001F\\u007F-\\u009F]*';
export const withoutControl = `^${printed}$`;

const anyObject = { type: 'object', additionalProperties: true } as const;

/** The schema of a route that answers with text, such as a page. */
export function answersText(summary: string, type: string): FastifySchema {
  return { summary, response: { 200: { description: 'OK', content: { [type]: { schema: { type: 'string' } } } } } };
}

const problemAnswer = {
  description: 'A problem (RFC 9457) with a stable code',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['type', 'title', 'status', 'code', 'detail'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          code: { type: 'string' },
          detail: { type: 'string' },
        },
      },
    },
  },
};

type Parameter = {
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: { readonly type?: string; readonly anyOf?: readonly object[]; readonly enum?: unknown };
};
type Operation = {
  responses?: Record<string, unknown>;
  security?: unknown;
  parameters?: readonly Parameter[];
  requestBody?: unknown;
};
type Document = { readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

/** Builds the description from a second server that has the same routes and never listens. */
async function describe(routes: readonly RouteOptions[], title: string, version: string): Promise<unknown> {
  const { default: swagger } = await import('@fastify/swagger');
  const described = Fastify({ exposeHeadRoutes: false });
  described.setValidatorCompiler(() => () => true);
  described.setSerializerCompiler(() => JSON.stringify);
  const securitySchemes = {
    operator: { type: 'http', scheme: 'bearer', description: 'app.operator_token; not needed in open mode' },
    reader: { type: 'apiKey', in: 'cookie', name: 'uid', description: 'set by the web service; optional' },
  } as const;
  await described.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title, version }, components: { securitySchemes } },
  });
  for (const { method, url, schema } of routes) {
    described.route({ method, url, ...(schema !== undefined && { schema }), handler: async () => null });
  }
  await described.ready();
  try {
    return complete(described.swagger() as Document);
  } finally {
    await described.close();
  }
}

/** Adds the problems that every operation may answer with. */
function complete(document: Document): unknown {
  for (const operations of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(operations)) {
      if (operation.parameters !== undefined) operation.parameters = operation.parameters.map(withEmpty);
      const statuses = [400, 408, 417, 429, 431, 500, 503];
      if (operation.parameters !== undefined) statuses.push(404, 414);
      if (operation.security !== undefined) statuses.push(403);
      if (operation.requestBody !== undefined) statuses.push(403, 413, 415);
      const problems = Object.fromEntries(statuses.map((status) => [status, problemAnswer]));
      operation.responses = { ...problems, ...operation.responses };
    }
  }
  return withDescribed(document);
}

/** A form also sends the fields that were left empty: numbers and choices may be empty there. */
function withEmpty(parameter: Parameter): Parameter {
  const { in: part, required = false, schema } = parameter;
  const isNumber = schema?.type === 'integer' || schema?.type === 'number';
  const isChoice = schema?.anyOf !== undefined || schema?.enum !== undefined;
  if (schema === undefined || part !== 'query' || required || !(isNumber || isChoice)) return parameter;
  return { ...parameter, schema: { anyOf: [...(schema.anyOf ?? [schema]), { type: 'string', maxLength: 0 }] } };
}

function withDescribed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDescribed);
  if (typeof value !== 'object' || value === null) return value;
  const { described, ...rest } = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries({ ...rest, ...(described as object) }).map(([key, part]) => [key, withDescribed(part)]),
  );
}
