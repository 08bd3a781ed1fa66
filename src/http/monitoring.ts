import { Type } from '@sinclair/typebox';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { HttpServer } from './http-server.ts';

/** Reasons that only degrade a service: its answers may be late or old. With any other reason it is not ready (503). */
const softReasons: readonly string[] = ['log-unavailable', 'spooling', 'lagging'];

const HealthSchema = Type.Object({ status: Type.String(), reasons: Type.Array(Type.String()) });

export function healthRoutes(server: HttpServer, readiness: () => readonly string[]): void {
  server.get('/health/live', { schema: { response: { 200: HealthSchema } } }, () => ({ status: 'live', reasons: [] }));
  server.get(
    '/health/ready',
    { schema: { response: { 200: HealthSchema, 503: HealthSchema } } },
    async (_request, reply) => {
      const reasons = [...readiness()];
      const hard = reasons.some((reason) => !softReasons.includes(reason));
      const soft = reasons.length > 0 ? 'degraded' : 'ready';
      void reply.code(hard ? 503 : 200);
      return { status: hard ? 'unready' : soft, reasons };
    },
  );
}

/** A registry with the default metrics of a Node process. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** `GET /metrics` in Prometheus' text format. Also measures how long answers take, by route and status. */
export function metricsRoutes(server: HttpServer, registry: Registry): void {
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
  server.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
