import type { ServerResponse } from 'node:http';
import { SamsaError } from '../../../errors.ts';
import type { HttpServer } from '../../../http/http-server.ts';
import { pause } from '../../../runtime/waiting.ts';

const mostListeners = 500;
const lookEveryMs = 250;
const heartbeatMs = 15_000;
/** Whoever leaves more than this untaken is let go: browsers come back by themselves. */
const mostUnsentBytes = 1 << 20;

const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' };

/** `items` is the JSON of the items without what differs at every look, `answer` the whole. */
type Look = { readonly items: string; readonly answer: string };

/**
 * `GET /trends/live`: the list as server-sent events, first as it is, then whenever it has changed.
 */
export function liveTrendsRoute(server: HttpServer, list: () => Promise<Look>): { readonly close: () => void } {
  /** What each was sent last. */
  const listeners = new Map<ServerResponse, string>();
  const stopping = new AbortController();
  let watching = false;

  const send = (listener: ServerResponse, text: string): void => {
    if (listener.writableLength > mostUnsentBytes) listener.destroy();
    else listener.write(text);
  };
  const show = (listener: ServerResponse, { items, answer }: Look): void => {
    listeners.set(listener, items);
    // Books stand in the list as their producer wrote them, line breaks included.
    send(listener, `event: trends\ndata: ${answer.replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`);
  };

  const watch = async (): Promise<void> => {
    if (watching) return;
    watching = true;
    for (let quietMs = 0; listeners.size > 0; quietMs += lookEveryMs) {
      await pause(lookEveryMs, stopping.signal);
      const current = await list().catch(() => null);
      if (stopping.signal.aborted) break;
      const isHeartbeat = quietMs >= heartbeatMs;
      if (isHeartbeat) quietMs = 0;
      for (const [listener, items] of listeners) {
        if (current !== null && current.items !== items) show(listener, current);
        else if (isHeartbeat) send(listener, ': still here\n\n');
      }
    }
    watching = false;
  };

  server.get('/trends/live', { schema: { summary: 'The trends as server-sent events' } }, async (request, reply) => {
    if (request.method === 'HEAD') return reply.headers(headers).send();
    const current = await list();
    if (listeners.size >= mostListeners) {
      throw new SamsaError('store-unavailable', `${mostListeners} listeners are as many as there may be`, {
        retryable: true,
      });
    }
    reply.hijack();
    const listener = reply.raw;
    if (listener.destroyed) return;
    listener.on('close', () => listeners.delete(listener));
    listener.writeHead(200, headers);
    show(listener, current);
    if (stopping.signal.aborted) listener.end();
    else void watch();
  });

  return {
    close: () => {
      stopping.abort();
      for (const listener of listeners.keys()) listener.end();
    },
  };
}
