import type { ServerResponse } from 'node:http';
import { SamsaError } from '../../../errors.ts';
import type { Access } from '../../../http/access.ts';
import { answersText } from '../../../http/routes.ts';
import type { HttpServer } from '../../../http/http-server.ts';
import { pause } from '../../../runtime/waiting.ts';

const mostListeners = 500;
const mostListenersPerClient = 10;
const lookEveryMs = 250;
const heartbeatMs = 15_000;
/** Whoever leaves more than this untaken is let go: browsers come back by themselves. */
const mostUnsentBytes = 1 << 20;

/** `x-accel-buffering` makes nginx pass events on at once. */
const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** `items` is the JSON of the items without what differs at every look, `answer` the whole. */
type Look = { readonly items: string; readonly answer: string };

/**
 * `GET /trends/live`: the list as server-sent events, first as it is, then whenever it has changed.
 */
export function liveTrendsRoute(
  server: HttpServer,
  list: () => Promise<Look>,
  access: Pick<Access, 'isPublic' | 'clientOf'>,
): { readonly close: () => void } {
  /** What each was sent last. */
  const listeners = new Map<ServerResponse, string>();
  const clients = new Map<ServerResponse, string>();
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

  const refuseTooMany = (ofClient: number): void => {
    const most = ofClient >= mostListenersPerClient ? mostListenersPerClient : mostListeners;
    if (ofClient < mostListenersPerClient && clients.size < mostListeners) return;
    throw new SamsaError('too-many-requests', `Expected at most ${most} listeners at the same time, got one more.`);
  };

  server.get(
    '/trends/live',
    { schema: answersText('The trends as server-sent events', 'text/event-stream') },
    async (request, reply) => {
      if (request.method === 'HEAD') return reply.headers(headers).send();
      const current = await list();
      const { prefix } = access.clientOf(request);
      refuseTooMany(access.isPublic() ? [...clients.values()].filter((client) => client === prefix).length : 0);
      reply.hijack();
      const listener = reply.raw;
      if (listener.destroyed) return;
      clients.set(listener, prefix);
      listener.on('close', () => {
        listeners.delete(listener);
        clients.delete(listener);
      });
      listener.writeHead(200, headers);
      show(listener, current);
      if (stopping.signal.aborted) listener.end();
      else void watch();
    },
  );

  return {
    close: () => {
      stopping.abort();
      for (const listener of listeners.keys()) listener.end();
    },
  };
}
