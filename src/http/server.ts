import formBody from '@fastify/formbody';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { SamsaError } from '../errors.ts';
import { describeRoutes } from './describe-routes.ts';
import type { HttpServer } from './http-server.ts';
import { drainOnClose } from './listening.ts';
import { healthRoutes, metricsRoutes } from './monitoring.ts';
import { answerBrokenRequest, problem, problemOf, stoppingProblem, type Problem } from './problem.ts';
import { readNumbers, requireSingleValues, requireText } from './query-string.ts';

export type HttpServerOptions = {
  readonly service: 'web' | 'trend' | 'recommendation';
  readonly version: string;
  readonly logger: Logger;
  /** Reason codes of everything that is wrong. Empty when all is well. */
  readonly readiness: () => readonly string[];
  /** Per client, which is an IPv4 address or an IPv6 /64; 0 = no limit. */
  readonly rateLimitPerMinute: number;
  /** Addresses whose forwarding headers are believed. */
  readonly trustProxy: readonly string[];
  readonly registry: Registry;
  /** Answers a failure in another form, for instance as a page. Returns false to have it answered as problem details. */
  readonly showProblem?: (problem: Problem, request: FastifyRequest, reply: FastifyReply) => boolean;
};

const bodyLimitBytes = 256 * 1024;
const drainPatienceMs = 5_000;
const rememberedClients = 20_000;

const limits = {
  bodyLimit: bodyLimitBytes,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
  /** The longest URL that Node accepts, so that each route decides about long parameters. */
  routerOptions: { maxParamLength: 16 * 1024 },
};

/**
 * Creates a server with what all services share: problem details for every failure, health, metrics, OpenAPI, limits. It
 * reads only JSON and forms. Bodies are never coerced, and unknown fields are refused by name. In query strings and paths
 * only numbers are coerced. Addresses that are not UTF-8, and parameters given twice, are refused first.
 *
 * `close` answers the requests that have arrived, then closes every connection, within 5 s.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const loggerInstance: FastifyBaseLogger = quieter(options.logger);
  const server = Fastify({
    ...limits,
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger per request would only add a request number, which no other line contains.
    childLoggerFactory: (logger) => logger,
    trustProxy: options.trustProxy.length === 0 ? false : [...options.trustProxy],
    return503OnClosing: false,
    ajv: {
      customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true, useDefaults: true, verbose: true },
    },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, options),
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<TypeBoxTypeProvider>();
  const isClosing = drainOnClose(server, drainPatienceMs);
  server.addHook('onRequest', (request, reply, done) => {
    if (isClosing()) return void answerProblem(stoppingProblem(), request, reply, options);
    requireText(request.url);
    requireSingleValues(request.query as Record<string, unknown>);
    done();
  });
  server.addHook('onRoute', readNumbers);
  server.removeContentTypeParser('text/plain');
  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, options));
  server.setNotFoundHandler((request, reply) => answerProblem(nothingAt(request), request, reply, options));
  await server.register(formBody, { bodyLimit: bodyLimitBytes });
  await limitRate(server, options.rateLimitPerMinute);
  describeRoutes(server, `Samsa ${options.service}`, options.version);
  metricsRoutes(server, options.registry);
  healthRoutes(server, options.readiness);
  return server;
}

/** Drops Fastify's info lines about addresses. The command prints where the services are. */
function quieter(logger: Logger): Logger {
  return logger.isLevelEnabled('debug')
    ? logger
    : logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level });
}

/** Limits requests to every route, and to addresses without a route, before any other work is done. */
async function limitRate(server: HttpServer, perMinute: number): Promise<void> {
  if (perMinute === 0) return;
  const { default: rateLimit } = await import('@fastify/rate-limit');
  await server.register(rateLimit, {
    global: false,
    max: perMinute,
    timeWindow: 60_000,
    cache: rememberedClients,
    allowList: (request) => request.url.startsWith('/health/'),
  });
  server.addHook('onRequest', server.rateLimit());
}

/** Logs errors of ours once. Errors of the client are only answered. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, options: HttpServerOptions) {
  const shown = problemOf(error);
  if (shown.status >= 500) {
    const { method, routeOptions } = request;
    // A retryable error is not a bug: its message is enough, and a stack trace per request would flood the log.
    const err = error instanceof SamsaError && error.retryable ? error.message : error;
    request.log.error({ err, method, route: routeOptions.url }, 'request failed');
  }
  return answerProblem(shown, request, reply, options);
}

function answerProblem(
  { retryAfterSeconds, ...shown }: Problem,
  request: FastifyRequest,
  reply: FastifyReply,
  { showProblem }: HttpServerOptions,
): FastifyReply {
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds);
  void reply.code(shown.status);
  if (showProblem?.(shown, request, reply) === true) return reply;
  return reply.type('application/problem+json').send(Buffer.from(JSON.stringify(shown)));
}

function nothingAt({ method, url }: FastifyRequest): Problem {
  return problem(404, 'not-found', `There is nothing at ${method} ${url.split('?', 1)[0]!.slice(0, 200)}.`);
}
