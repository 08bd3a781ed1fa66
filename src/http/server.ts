import formBody from '@fastify/formbody';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { SamsaError } from '../errors.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { describeRoutes } from './describe-routes.ts';
import { drainOnClose } from './drain.ts';
import { healthRoutes } from './health.ts';
import type { HttpServer } from './http-server.ts';
import { metricsRoutes } from './metrics.ts';
import { problem, problemOf, stoppingProblem, type Problem } from './problem.ts';
import { requireSingleValues, requireText } from './query-hygiene.ts';
import { readNumbers } from './query-numbers.ts';

export type HttpServerOptions = {
  readonly service: 'web' | 'trend' | 'recommendation';
  readonly version: string;
  readonly logger: Logger;
  /** Codes of what is not as it should be; none when all is well. */
  readonly readiness: () => readonly string[];
  /** Per client, which is an IPv4 address or an IPv6 /64; 0 = no limit. */
  readonly rateLimitPerMinute: number;
  /** Addresses whose forwarding headers are believed. */
  readonly trustProxy: readonly string[];
  readonly registry: Registry;
  /** Answers a failure in another way than problem details, for instance as a page; false leaves it to those. */
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
  /** As long as a URL can be: Node refuses longer ones, so that a long parameter is a matter of its route. */
  routerOptions: { maxParamLength: 16 * 1024 },
};

/**
 * A server with what all services share: problem details for every failure, health, metrics, OpenAPI, limits. It reads
 * JSON and forms only. Bodies are never coerced and unknown fields are refused by name; query strings and paths coerce
 * numbers only. Addresses that are no text, and parameters given twice, are refused before anything else.
 *
 * `close` answers what has arrived, then closes every connection, within 5 s.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const loggerInstance: FastifyBaseLogger = quieter(options.logger);
  const server = Fastify({
    ...limits,
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would only add its number, which nothing else mentions.
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

/** Without the library's own lines about every address it listens on: the command says where the services are. */
function quieter(logger: Logger): Logger {
  return logger.isLevelEnabled('debug')
    ? logger
    : logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level });
}

/** For every route, and for addresses without one, before any other work is done for the request. */
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

const unreachable: Readonly<Record<string, string>> = {
  EACCES: 'this process may not use that port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAI_AGAIN: 'the name cannot be resolved right now',
  EINVAL: 'this machine has no such address',
  ENOTFOUND: 'no such name is known',
};

/**
 * Starts listening; port 0 takes any free one.
 * @param section of the settings that host and port come from, for messages.
 * @throws SamsaError `port-in-use`; `bad-configuration` when host or port cannot be had at all.
 */
export async function listen(
  server: HttpServer,
  { host, port }: { readonly host: string; readonly port: number },
  section: 'app' | 'trend' | 'recommendation',
): Promise<{ url: string }> {
  try {
    return { url: await server.listen({ host, port }) };
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new SamsaError(
        'port-in-use',
        `Expected port ${port} on ${host} to be free, but another program listens there. ` +
          `Stop it, or set ${section}.port or SAMSA_${section.toUpperCase()}_PORT to another one.`,
        { cause },
      );
    }
    const problem = unreachable[code];
    if (problem === undefined) throw cause;
    throw new SamsaError(
      'bad-configuration',
      `Cannot listen on ${host}, port ${port}: ${problem} (${code}). Set ${section}.host or ${section}.port to another.`,
      { cause },
    );
  }
}

/** What is our fault is written down, once; what is the client's is only answered. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, options: HttpServerOptions) {
  const shown = problemOf(error);
  if (shown.status >= 500) {
    const { method, routeOptions } = request;
    // What passes by itself is nobody's mistake: a stack would say where it was noticed, again and again.
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
