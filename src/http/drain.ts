import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';

const sweepEveryMs = 20;

/**
 * Lets `server.close()` end soon whatever clients do: connections are closed as soon as they are idle, and after
 * `patienceMs` in any state, streams and half-sent requests included.
 * @returns whether the server is closing.
 */
export function drainOnClose(server: FastifyInstance, patienceMs: number): () => boolean {
  let closing = false;
  server.addHook('preClose', (done) => {
    closing = true;
    drain(server.server, patienceMs);
    done();
  });
  return () => closing;
}

function drain(server: Server, patienceMs: number): void {
  const sweep = setInterval(() => server.closeIdleConnections(), sweepEveryMs);
  const last = setTimeout(() => server.closeAllConnections(), patienceMs);
  server.once('close', () => {
    clearInterval(sweep);
    clearTimeout(last);
  });
  sweep.unref();
  last.unref();
}
