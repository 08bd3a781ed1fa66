import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { SamsaError } from '../../../errors.ts';
import type { Access } from '../../../http/access.ts';
import { answersText, type HttpServer } from '../../../http/route-schemas.ts';
import { createNotifier, pause } from '../../../runtime/waiting.ts';

const mostListeners = 500;
const mostListenersPerClient = 10;
/** How often to look for counts of other processes. Commits of this process are shown at once. */
const lookEveryMs = 250;
const heartbeatMs = 15_000;
/**
 * How long changes are gathered before they are sent: longer with more listeners or a slow list.
 */
const gatherMs = { atLeast: 5, perListener: 0.5, atMost: 100 };
/** A listener that leaves more than this unread is disconnected. Browsers come back by themselves. */
const mostUnsentBytes = 1 << 20;

/** `x-accel-buffering` makes nginx pass events on at once. */
const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** `answer` is the JSON that is sent; `items` is the part of it that shows whether anything has changed. */
type Look = { readonly items: string; readonly answer: string };

export type LiveTrendsDeps = {
  readonly look: () => Promise<Look>;
  readonly access: Pick<Access, 'isPublic' | 'clientOf'>;
  /** Calls the listener after each commit of this process. @returns how to stop that. */
  readonly onCounted: (listener: () => void) => () => void;
  /** Answers the history of the query "live" to clients that ask for JSON. */
  readonly history: (request: FastifyRequest) => Promise<unknown>;
};

/**
 * `GET /trends/live`: the list as server-sent events, first at once, then whenever it has changed. A client that
 * accepts only JSON gets the history of the query "live".
 */
export function liveTrendsRoute(server: HttpServer, deps: LiveTrendsDeps): { readonly close: () => void } {
  /** What each listener was sent last. */
  const listeners = new Map<ServerResponse, string>();
  const clients = new Map<ServerResponse, string>();
  const stopping = new AbortController();
  const notifier = createNotifier();
  const stopListening = deps.onCounted(notifier.notify);
  /** The count of notifications when the list was last looked at. */
  let heard = 0;
  let watching = false;

  const send = (listener: ServerResponse, text: string): void => {
    if (listener.writableLength > mostUnsentBytes) listener.destroy();
    else listener.write(text);
  };
  const show = (listener: ServerResponse, { items, answer }: Look): void => {
    listeners.set(listener, items);
    // Books are in the list as their producer wrote them, so they may contain line breaks.
    send(listener, `event: trends\ndata: ${answer.replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`);
  };

  const watch = async (): Promise<void> => {
    if (watching) return;
    watching = true;
    let quietSinceMs = performance.now();
    while (listeners.size > 0) {
      if (notifier.count() === heard) await notifier.next(lookEveryMs, stopping.signal);
      heard = notifier.count();
      if (stopping.signal.aborted) break;
      const startMs = performance.now();
      const current = await deps.look().catch(() => null);
      const isHeartbeat = startMs - quietSinceMs >= heartbeatMs;
      if (isHeartbeat) quietSinceMs = startMs;
      for (const [listener, items] of listeners) {
        if (current !== null && current.items !== items) show(listener, current);
        else if (isHeartbeat) send(listener, ': still here\n\n');
      }
      const { atLeast, perListener, atMost } = gatherMs;
      const tookMs = performance.now() - startMs;
      await pause(Math.min(atMost, Math.max(atLeast, listeners.size * perListener, tookMs)), stopping.signal);
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
      if (wantsJson(request.headers.accept)) return deps.history(request);
      if (request.method === 'HEAD') return reply.headers(headers).send();
      const current = await deps.look();
      const { prefix } = deps.access.clientOf(request);
      refuseTooMany(deps.access.isPublic() ? [...clients.values()].filter((client) => client === prefix).length : 0);
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
      stopListening();
      for (const listener of listeners.keys()) listener.end();
    },
  };
}

function wantsJson(accept = ''): boolean {
  return accept.includes('application/json') && !accept.includes('text/event-stream');
}
