import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { Type } from '@sinclair/typebox';
import { SamsaError } from '../errors.ts';
import type { Access } from './access.ts';
import { compressAnswers, createPacedServer, drainOnClose } from './connections.ts';
import { createLimits } from './limits.ts';
import { describeRoutes, answersText, type HttpServer } from './route-schemas.ts';
import {
  answerBrokenRequest,
  answerConnect,
  answerExpectation,
  problemOf,
  stoppingProblem,
  type Problem,
} from './problem.ts';
import {
  bodyLimitBytes,
  createKnownRoutes,
  readBodies,
  readNumbers,
  requireOneHost,
  requireSingleValues,
  requireText,
} from './read-request.ts';

export type HttpServerOptions = {
  readonly service: 'web' | 'trend' | 'recommendation';
  readonly version: string;
  readonly logger: Logger;
  /** Reason codes of everything that is wrong. Empty when all is well. */
  readonly readiness: () => readonly string[];
  readonly access: Access;
  /** `app.rate_limit`: requests a minute and client; 0 = no limit, null = the default of the mode. */
  readonly rateLimitPerMinute: number | null;
  readonly registry: Registry;
  /**
   * Answers a failure in another form, for instance as a page. Returns false to have it answered as problem details.
   */
  readonly showProblem?: (problem: Problem, request: FastifyRequest, reply: FastifyReply) => boolean;
};

const drainPatienceMs = 5_000;

const settings = {
  bodyLimit: bodyLimitBytes,
  return503OnClosing: false,
  // A logger per request would only add a request number, which no other line contains.
  childLoggerFactory: (logger: FastifyBaseLogger) => logger,
  ajv: {
    customOptions: {
      removeAdditional: false,
      coerceTypes: false,
      allErrors: true,
      useDefaults: true,
      verbose: true,
      keywords: ['described'],
    },
  },
  /** The longest URL that Node accepts, so that each route decides about long parameters. */
  routerOptions: { maxParamLength: 16 * 1024 },
};

/**
 * Creates a server with what all services share: problem details for every failure, health, metrics, OpenAPI, limits.
 * It reads only JSON and forms. Bodies are never coerced, and unknown fields are refused by name. In query strings and
 * paths only numbers are coerced. Addresses that are not UTF-8, and parameters given twice, are refused first.
 *
 * `close` answers the requests that have arrived, then closes every connection, within 5 s.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { access, logger, service, version, registry } = options;
  const loggerInstance: FastifyBaseLogger = quieter(logger);
  const routes = createKnownRoutes();
  const server = Fastify({
    ...settings,
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: access.isTrustedProxy,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, options),
    clientErrorHandler: answerBrokenRequest,
    serverFactory: (handle) => {
      const timeouts = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 };
      const http = createPacedServer(
        { ...timeouts, connectionsCheckingInterval: 2_000, requireHostHeader: false },
        handle,
      );
      http.on('connect', (_request, socket) => answerConnect(socket, routes.allMethods()));
      return http.on('checkExpectation', answerExpectation);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  const isClosing = drainOnClose(server, drainPatienceMs);
  const damage = createDamageNote(logger);
  const headers = { 'x-content-type-options': 'nosniff', 'cache-control': cacheControl[service] };
  const limit = createLimits(access, options.rateLimitPerMinute, () => performance.now());
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headers);
    if (isClosing()) return void answerProblem(stoppingProblem(), request, reply, options);
    access.observe(request);
    const refusal = limit(request, reply);
    if (refusal !== null) return void answerProblem(refusal, request, reply, options);
    requireOneHost(request.raw);
    requireText(request.url);
    requireSingleValues(request);
    const moved = routes.withoutSlash(request.url);
    if (moved !== null) return void reply.redirect(moved, 308);
    if (request.method === 'OPTIONS' && request.url === '*') {
      return void reply.code(204).header('allow', routes.allMethods()).send();
    }
    // An unknown address is answered before the type of the body is checked.
    if (request.is404) return void answerProblem(routes.refuse(request, reply), request, reply, options);
    done();
  });
  server.addHook('onRoute', readNumbers);
  server.addHook('onRoute', routes.add);
  readBodies(server);
  compressAnswers(server);
  server.setErrorHandler((error, request, reply) => {
    damage.note(error);
    return answerError(error, request, reply, options);
  });
  server.setNotFoundHandler((request, reply) => answerProblem(routes.refuse(request, reply), request, reply, options));
  describeRoutes(server, `Samsa ${service}`, version);
  metricsRoutes(server, registry);
  healthRoutes(server, registry, () => [...access.problems(), ...damage.reasons(), ...options.readiness()]);
  return server;
}

/** What the web and recommendation services answer belongs to one reader. Assets override this. */
const cacheControl = { web: 'private, no-store', trend: 'no-cache', recommendation: 'private, no-store' } as const;

/** Drops Fastify's info lines about where it listens. The command prints where the services are. */
function quieter(logger: Logger): Logger {
  return logger.isLevelEnabled('debug')
    ? logger
    : logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level });
}

/** Logs each damage once, although every further request meets it again, and keeps it in `/health/ready`. */
function createDamageNote(logger: Pick<Logger, 'error'>) {
  const met = new Set<string>();
  return {
    note: (error: unknown): void => {
      if (!(error instanceof SamsaError) || error.code !== 'store-damaged' || met.has(error.message)) return;
      met.add(error.message);
      logger.error({ code: error.code }, error.message);
    },
    reasons: (): readonly string[] => (met.size > 0 ? ['store-damaged'] : []),
  };
}

/** Logs errors of ours once. Errors of the client are only answered. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, options: HttpServerOptions) {
  const shown = problemOf(error);
  if (shown.status >= 500 && shown.code !== 'store-damaged') {
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

/** Reasons that only degrade a service: its answers may be late or old. With any other reason it is not ready (503). */
const softReasons: readonly string[] = [
  'lagging',
  'log-unavailable',
  'not-durable',
  'outbox-waiting',
  'proxied',
  'proxy-not-trusted',
  'proxy-without-address',
  'set-aside',
  'spooling',
];

const HealthSchema = Type.Object({ status: Type.String(), reasons: Type.Array(Type.String()) });

/** `GET /health/live` and `/health/ready`. The reasons are also a metric. */
function healthRoutes(server: HttpServer, registry: Registry, readiness: () => readonly string[]): void {
  new Gauge({
    name: 'samsa_readiness_reason',
    help: '1 for each reason that /health/ready gives now',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const reason of readiness()) this.set({ reason }, 1);
    },
  });
  const live = { summary: 'Whether the process answers', response: { 200: HealthSchema } };
  const ready = {
    summary: 'Whether the service works, and why not',
    response: { 200: HealthSchema, 503: HealthSchema },
  };
  server.get('/health/live', { schema: live }, () => ({ status: 'live', reasons: [] }));
  server.get('/health/ready', { schema: ready }, async (_request, reply) => {
    const reasons = [...new Set(readiness())];
    const hard = reasons.some((reason) => !softReasons.includes(reason));
    const soft = reasons.length > 0 ? 'degraded' : 'ready';
    void reply.code(hard ? 503 : 200);
    return { status: hard ? 'unready' : soft, reasons };
  });
}

/** A registry with the default metrics of a Node process. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** `GET /metrics` in Prometheus' text format. Also measures how long answers take, by route and status. */
function metricsRoutes(server: HttpServer, registry: Registry): void {
  const seconds = new Histogram({
    name: 'samsa_http_answer_seconds',
    help: 'Time from the request to the end of its answer',
    labelNames: ['route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  });
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    seconds.observe({ route, status: reply.statusCode }, reply.elapsedTime / 1_000);
    done();
  });
  const schema = answersText('Metrics for Prometheus', 'text/plain');
  server.get('/metrics', { schema }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
