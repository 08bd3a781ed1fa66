import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { startShopForBench } from './shop.ts';

/** Public-domain titles of the demo books, and words that find several of them. */
const queries = ['sea', 'love', 'war', 'moby dick', 'dracula', 'alice', 'emma', 'island', 'castle', 'garden'];
const readers = 500;
const healthEveryMs = 250;
const countedWithinMs = 30_000;

/**
 * Runs a whole shop at an even rate of pages, searches and actions, with listeners to `/trends/live`, and measures what a
 * long run shows: answers that failed, searches and actions that were answered and not counted, memory once a minute, and
 * how soon `/health/live` of each service answers.
 */
export async function benchSteady(options: { perSecond: number; seconds: number; listeners: number }) {
  const shop = await startShopForBench({ SAMSA_APP_RATE_LIMIT: '0' });
  const ending = new AbortController();
  try {
    const listening = await Promise.all(
      Array.from({ length: options.listeners }, () => listen(`${shop.trendUrl}/trends/live`, ending.signal)),
    );
    const health = [shop.url, shop.trendUrl, shop.recommendationUrl].map((url) => watchHealth(url, ending.signal));
    const memory = watchMemory(shop.pid, ending.signal);
    const before = await eventsCounted(shop);
    const sent = await sendEvenly(shop.url, options);
    const missing = await waitUntilCounted(shop, before, sent);
    const answers = health.map(({ sorted }) => sorted());
    return {
      per_s: options.perSecond,
      seconds: options.seconds,
      listeners: options.listeners,
      requests: sent.requests,
      failed: sent.failed,
      searches: sent.searches,
      actions: sent.actions,
      ...missing,
      listener_events: listening.map(({ events }) => events()),
      memory_mb: memory(),
      health_p99_ms: answers.map((sorted) => at(sorted, 0.99)),
      health_max_ms: answers.map((sorted) => at(sorted, 0.9999)),
    };
  } finally {
    ending.abort();
    await shop.stop();
  }
}

type Sent = { requests: number; failed: number; searches: number; actions: number };

/** Of ten requests four search, two are result pages, two pages of books, one the first page, and one is an action. */
async function sendEvenly(url: string, { perSecond, seconds }: { perSecond: number; seconds: number }): Promise<Sent> {
  const sent: Sent = { requests: 0, failed: 0, searches: 0, actions: 0 };
  const cookies: (string | undefined)[] = [];
  const running = new Set<Promise<void>>();
  const request = async (number: number): Promise<void> => {
    const reader = (number * 7_919) % readers;
    const query = encodeURIComponent(queries[number % queries.length]!);
    const kind = number % 10;
    const isAction = kind === 9;
    const isSearch = kind < 6;
    const path = isAction
      ? '/api/books/1/actions'
      : kind < 4
        ? `/api/books?q=${query}`
        : isSearch
          ? `/?q=${query}`
          : kind < 8
            ? `/books/${1 + (number % 30)}`
            : '/';
    const answer = await fetch(url + path, {
      method: isAction ? 'POST' : 'GET',
      headers: { cookie: cookies[reader] ?? '', ...(isAction && { 'content-type': 'application/json' }) },
      ...(isAction && { body: JSON.stringify({ action: 'opened', query: queries[number % queries.length] }) }),
    }).catch(() => null);
    await answer?.arrayBuffer().catch(() => {});
    cookies[reader] ??= answer?.headers.getSetCookie()[0]?.split(';')[0];
    if (answer?.ok !== true) sent.failed++;
    else if (isSearch) sent.searches++;
    // Opening a book's page is an action, too.
    else if (kind !== 8) sent.actions++;
  };
  const startedMs = performance.now();
  for (; sent.requests < perSecond * seconds; sent.requests++) {
    await delay(Math.max(0, startedMs + (sent.requests * 1_000) / perSecond - performance.now()));
    const one: Promise<void> = request(sent.requests).finally(() => running.delete(one));
    running.add(one);
  }
  await Promise.all(running);
  return sent;
}

type ShopUrls = { readonly trendUrl: string; readonly recommendationUrl: string };
type EventsCounted = { readonly searches: number; readonly actions: number };

/** How many searches the trend service has counted, and actions the recommendation service. */
async function eventsCounted({ trendUrl, recommendationUrl }: ShopUrls): Promise<EventsCounted> {
  const [trend, recommendation] = await Promise.all([appliedIn(trendUrl), appliedIn(recommendationUrl)]);
  return { searches: trend('lr-book-searches'), actions: recommendation('lr-reader-actions') };
}

async function appliedIn(url: string): Promise<(topic: string) => number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const counts = [...metrics.matchAll(/^samsa_projection_events\{(.*outcome="applied".*)\} (\d+)/gm)];
  return (topic) =>
    counts
      .filter(([, labels]) => labels!.includes(`topic="${topic}"`))
      .reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** @returns how many answered searches and actions were not counted after a while. */
async function waitUntilCounted(shop: ShopUrls, before: EventsCounted, sent: Sent) {
  const startedMs = performance.now();
  for (;;) {
    const now = await eventsCounted(shop);
    const lost = {
      searches_lost: sent.searches - (now.searches - before.searches),
      actions_lost: sent.actions - (now.actions - before.actions),
    };
    const isOver = performance.now() - startedMs > countedWithinMs;
    if ((lost.searches_lost <= 0 && lost.actions_lost <= 0) || isOver) return lost;
    await delay(100);
  }
}

async function listen(url: string, signal: AbortSignal): Promise<{ readonly events: () => number }> {
  const { body } = await fetch(url, { signal });
  let events = 0;
  const reading = async (): Promise<void> => {
    for await (const chunk of body!) events += Buffer.from(chunk).toString().split('event: trends').length - 1;
  };
  void reading().catch(() => {});
  return { events: () => events };
}

/** Asks one after another, so that a slow answer is one answer. */
function watchHealth(url: string, signal: AbortSignal): { readonly sorted: () => readonly number[] } {
  const tookMs: number[] = [];
  const asking = async (): Promise<void> => {
    while (!signal.aborted) {
      const startedMs = performance.now();
      await (await fetch(`${url}/health/live`)).arrayBuffer();
      tookMs.push(performance.now() - startedMs);
      await delay(healthEveryMs);
    }
  };
  void asking().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return { sorted: () => tookMs.toSorted((one, other) => one - other) };
}

/** Resident memory at the start and after every minute. */
function watchMemory(pid: number, signal: AbortSignal): () => readonly number[] {
  const memoryMb: number[] = [];
  const look = async (): Promise<void> => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    memoryMb.push(Math.round(Number(/VmRSS:\s*(\d+)/.exec(status)?.[1]) / 1_024));
  };
  void look();
  const looking = setInterval(() => void look().catch(() => {}), 60_000);
  signal.addEventListener('abort', () => clearInterval(looking));
  return () => memoryMb;
}

function at(sorted: readonly number[], share: number): number {
  return Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1));
}
