import { Type } from '@sinclair/typebox';
import type { HttpServer } from './http-server.ts';

/** Reasons with which a service still answers, if late or from older events; with any other it is not ready (503). */
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
