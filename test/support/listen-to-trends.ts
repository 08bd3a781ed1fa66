import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { HttpServer } from '../../src/http/route-schemas.ts';
import { listen } from '../../src/http/connections.ts';
import { openTestServer } from './open-test-server.ts';

/** Starts a trend server with these routes until the test ends. @returns its address. */
export async function openTrendServer(test: TestContext, addRoutes: (server: HttpServer) => void): Promise<string> {
  const server = await openTestServer({ service: 'trend' });
  addRoutes(server);
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 }, 'trend');
  test.after(() => server.close());
  return url;
}

export type ShownTrends = readonly { readonly query: string; readonly score: number }[];

/** Listens as a browser does; `next` is the next list, or null when the stream has ended. */
export async function listenToTrends(test: TestContext, url: string) {
  const leaving = new AbortController();
  test.after(() => leaving.abort());
  const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(15_000)]);
  const response = await fetch(`${url}/trends/live`, { signal });
  const chunks = response.body!.pipeThrough(new TextDecoderStream()).values();
  let unread = '';
  const next = async (): Promise<ShownTrends | null> => {
    let end = unread.indexOf('\n\n');
    while (end < 0) {
      const chunk = await chunks.next();
      if (chunk.done === true) return null;
      unread += chunk.value;
      end = unread.indexOf('\n\n');
    }
    const [event, ...data] = unread.slice(0, end).split('\n');
    unread = unread.slice(end + 2);
    assert.equal(event, 'event: trends');
    return JSON.parse(data.map((line) => line.replace(/^data: /, '')).join('\n')) as ShownTrends;
  };
  /** The next list that has these scores. */
  const nextWith = async (scores: Readonly<Record<string, number>>): Promise<void> => {
    for (let list = await next(); ; list = await next()) {
      assert.ok(list !== null, `the stream goes on until it shows ${JSON.stringify(scores)}`);
      const shown = Object.fromEntries(list.map(({ query, score }) => [query, score]));
      if (JSON.stringify(shown) === JSON.stringify(scores)) return;
    }
  };
  return { response, next, nextWith, leave: () => leaving.abort() };
}
