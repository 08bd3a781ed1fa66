import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { HttpServer } from '../../src/http/http-server.ts';
import { createHttpServer, type HttpServerOptions } from '../../src/http/server.ts';

/** An HTTP server like those of the services, without logs and limits; `overrides` changes its options. */
export function openTestServer(overrides: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return createHttpServer({
    service: 'web',
    version: 'test',
    logger: pino({ level: 'silent' }),
    readiness: () => [],
    rateLimitPerMinute: 0,
    trustProxy: [],
    registry: new Registry(),
    ...overrides,
  });
}
