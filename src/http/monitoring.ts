import { Type } from '@sinclair/typebox';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { answersText } from './routes.ts';
import type { HttpServer } from './http-server.ts';

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
export function healthRoutes(server: HttpServer, registry: Registry, readiness: () => readonly string[]): void {
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
  const schema = answersText('Metrics for Prometheus', 'text/plain');
  server.get('/metrics', { schema }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
