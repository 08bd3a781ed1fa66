import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createAccess, type Access, type AccessOptions } from '../../src/http/access.ts';
import type { HttpServer } from '../../src/http/route-schemas.ts';
import { createHttpServer, type HttpServerOptions } from '../../src/http/server.ts';

/** Access as a shop on this machine has it, in open mode unless `overrides` say otherwise. */
export function openTestAccess(overrides: Partial<AccessOptions> = {}): Access {
  return createAccess({
    operatorToken: null,
    trustProxy: [],
    isLocal: true,
    secret: 'the secret of a test shop',
    logger: pino({ level: 'silent' }),
    nowMs: () => performance.now(),
    ...overrides,
  });
}

/** A server as the services have it, without logs or limits, unless `overrides` say otherwise. */
export function openTestServer(overrides: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return createHttpServer({
    service: 'web',
    version: 'test',
    logger: pino({ level: 'silent' }),
    readiness: () => [],
    access: openTestAccess(),
    rateLimitPerMinute: 0,
    registry: new Registry(),
    ...overrides,
  });
}
