import Fastify, { type RouteOptions } from 'fastify';
import type { HttpServer } from './http-server.ts';

/**
 * `GET /openapi.json`: every route with its schema. The library that writes it is loaded at the first request, since it
 * takes memory and time, and most processes are never asked.
 */
export function describeRoutes(server: HttpServer, title: string, version: string): void {
  const routes: RouteOptions[] = [];
  let description: Promise<unknown> | null = null;
  server.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD') routes.push(route);
  });
  server.get('/openapi.json', { schema: { hide: true } }, () => {
    description ??= describe(routes, title, version);
    return description;
  });
}

/** Builds the description from a second server that has the same routes and never listens. */
async function describe(routes: readonly RouteOptions[], title: string, version: string): Promise<unknown> {
  const { default: swagger } = await import('@fastify/swagger');
  const described = Fastify({ exposeHeadRoutes: false });
  await described.register(swagger, { openapi: { openapi: '3.1.0', info: { title, version } } });
  for (const { method, url, schema } of routes) {
    described.route({ method, url, ...(schema !== undefined && { schema }), handler: async () => null });
  }
  await described.ready();
  try {
    return described.swagger();
  } finally {
    await described.close();
  }
}
