import { setTimeout as delay } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { SamsaError } from '../../errors.ts';
import type { HttpServer } from '../../http/server.ts';

const mostListeners = 500;
const lookEveryMs = 250;
const heartbeatMs = 15_000;

/**
 * `GET /trends/live`: the list as server-sent events, first as it is, then whenever it has changed.
 * `list` gives the JSON of the items, without what differs at every look.
 */
export function liveTrendsRoute(
  server: HttpServer,
  list: () => Promise<{ readonly items: string; readonly answer: string }>,
): { readonly close: () => void } {
  const listeners = new Set<ServerResponse>();
  const stopping = new AbortController();
  let shown = '';

  const broadcast = (text: string): void => {
    for (const listener of listeners) listener.write(text);
  };

  const watch = async (): Promise<void> => {
    let quietMs = 0;
    while (listeners.size > 0 && !stopping.signal.aborted) {
      await delay(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => {});
      quietMs += lookEveryMs;
      const current = await list().catch(() => null);
      if (current !== null && current.items !== shown) {
        shown = current.items;
        broadcast(`event: trends\ndata: ${current.answer}\n\n`);
        quietMs = 0;
      } else if (quietMs >= heartbeatMs) {
        broadcast(': still here\n\n');
        quietMs = 0;
      }
    }
  };

  server.get('/trends/live', { schema: { summary: 'The trends as server-sent events' } }, async (request, reply) => {
    if (listeners.size >= mostListeners) {
      throw new SamsaError('store-unavailable', `${mostListeners} listeners are as many as there may be`, {
        retryable: true,
      });
    }
    const current = await list();
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    reply.raw.write(`event: trends\ndata: ${current.answer}\n\n`);
    listeners.add(reply.raw);
    request.raw.on('close', () => listeners.delete(reply.raw));
    if (listeners.size === 1) {
      shown = current.items;
      void watch();
    }
  });

  return {
    close: () => {
      stopping.abort();
      for (const listener of listeners) listener.end();
    },
  };
}
