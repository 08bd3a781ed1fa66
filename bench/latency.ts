import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { startBroker } from '../test/servers/kafka-broker.ts';
import { startMariaDb } from '../test/servers/mariadb.ts';
import { startShopForBench } from './shop.ts';

const queries = ['sea', 'love', 'war', 'moby', 'dracula', 'alice', 'emma', 'island', 'castle', 'garden'];
const lookEveryMs = 1;
const shownWithinMs = 10_000;
const warmUpSeconds = 30;

/**
 * Searches a whole running shop at an even rate, and measures for each search the time from its answer until `GET
 * /trends` includes it; with `listeners`, until each of `listeners` streams of `/trends/live` has sent it. With `onKafka`
 * the log is a real broker, with `onMysql` catalogue and states are in a real MariaDB.
 */
export async function benchLatency(options: {
  perSecond: number;
  seconds: number;
  onKafka: boolean;
  onMysql: boolean;
  listeners: number;
}) {
  await using stack = new AsyncDisposableStack();
  const broker = options.onKafka ? await startBroker() : null;
  if (broker !== null) stack.defer(broker.stop);
  const database = options.onMysql ? await startMariaDb() : null;
  if (database !== null) stack.defer(database.stop);
  const shop = await startShopForBench({
    ...(broker !== null && { SAMSA_MQ_BROKERS: broker.brokers.join(',') }),
    ...(database !== null && { SAMSA_DB_DSN: (await database.createDatabase()).dsn }),
  });
  try {
    for (let round = 0; round < 3; round++) for (const query of queries) await search(shop.url, query);
    await delay(1_000);
    const counts = await countsOf(shop.trendUrl);
    const watches =
      options.listeners === 0
        ? [watchList(shop.trendUrl)]
        : await Promise.all(Array.from({ length: options.listeners }, () => watchStream(shop.trendUrl)));
    const measure = async (seconds: number): Promise<readonly number[]> => {
      const tookMs: Promise<number>[] = [];
      const startedMs = performance.now();
      for (let sent = 0; sent < options.perSecond * seconds; sent++) {
        await delay(Math.max(0, startedMs + (sent * 1_000) / options.perSecond - performance.now()));
        const query = queries[sent % queries.length]!;
        const expected = (counts.get(query) ?? 0) + 1;
        counts.set(query, expected);
        const answered = search(shop.url, query);
        for (const { shows } of watches) tookMs.push(answered.then(() => shows(query, expected)));
      }
      return Promise.all(tookMs);
    };
    // The same before it counts, until most code is compiled.
    await measure(warmUpSeconds);
    const sorted = (await measure(options.seconds)).toSorted((a, b) => a - b);
    for (const watch of watches) watch.end();
    const at = (share: number): number => Number(sorted[Math.floor(sorted.length * share)]!.toFixed(1));
    return {
      log: options.onKafka ? 'kafka' : 'embedded',
      state: options.onMysql ? 'mariadb' : 'embedded',
      listeners: options.listeners,
      searches: sorted.length / watches.length,
      per_s: options.perSecond,
      p50_ms: at(0.5),
      p99_ms: at(0.99),
      max_ms: at(0.9999),
    };
  } finally {
    await shop.stop();
  }
}

async function search(url: string, query: string): Promise<void> {
  await get(`${url}/api/books?q=${query}`);
}

const agent = new Agent({ keepAlive: true });

/**
 * Requests in the cheapest way, and `countsIn` reads in the cheapest way: with `fetch` and `JSON.parse`, pauses of this
 * program and its compiler threads were most of what it measured (embedded p99 12–20 ms instead of 4–5).
 */
function get(url: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`${url}: ${answer.statusCode}`));
      });
    });
    asking.on('error', reject).end();
  });
}

type Counts = ReadonlyMap<string, number>;
type Waiting = { readonly query: string; readonly expected: number; readonly shown: () => void };
type Watch = {
  /** @returns how many ms later the trends include this many searches for the query. */
  readonly shows: (query: string, expected: number) => Promise<number>;
  readonly end: () => void;
};

async function countsOf(url: string): Promise<Map<string, number>> {
  return countsIn((await get(`${url}/trends?ps=${queries.length}`)).toString('latin1'));
}

const field = '"searches":';

function countsIn(answer: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const query of queries) {
    const row = answer.indexOf(`"query":"${query}"`);
    const from = answer.indexOf(field, row) + field.length;
    if (row >= 0) counts.set(query, Number.parseInt(answer.slice(from, from + 12), 10));
  }
  return counts;
}

/** Requests the trends again and again. */
function watchList(url: string): Watch {
  const ending = new AbortController();
  const waits = createWaits();
  const looking = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      waits.see(await countsOf(url));
      await delay(lookEveryMs);
    }
  };
  void looking();
  return { shows: waits.shows, end: () => ending.abort() };
}

/** Listens to the trends as server-sent events. */
async function watchStream(url: string): Promise<Watch> {
  const ending = new AbortController();
  const waits = createWaits();
  const { body } = await fetch(`${url}/trends/live`, { signal: ending.signal });
  const listening = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body!) {
      text += decoder.decode(chunk, { stream: true });
      const events = text.split('\n\n');
      text = events.pop()!;
      // Only the newest one matters: each is the whole list.
      const newest = events.findLast((event) => event.startsWith('event: trends'));
      if (newest !== undefined) waits.see(countsIn(newest));
    }
  };
  listening().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  return { shows: waits.shows, end: () => ending.abort() };
}

function createWaits() {
  let waiting: Waiting[] = [];
  let latest: Counts = new Map();
  const isShown = ({ query, expected }: Pick<Waiting, 'query' | 'expected'>): boolean =>
    (latest.get(query) ?? 0) >= expected;
  return {
    see: (counts: Counts): void => {
      latest = counts;
      const found = waiting.filter(isShown);
      waiting = waiting.filter((one) => !isShown(one));
      for (const one of found) one.shown();
    },
    shows: async (query: string, expected: number): Promise<number> => {
      const answeredMs = performance.now();
      if (isShown({ query, expected })) return 0;
      await new Promise<void>((shown, reject) => {
        const late = (): void => reject(new Error(`${query} is not among the trends after ${shownWithinMs} ms`));
        const timeout = setTimeout(late, shownWithinMs);
        waiting.push({
          query,
          expected,
          shown: () => {
            clearTimeout(timeout);
            shown();
          },
        });
      });
      return performance.now() - answeredMs;
    },
  };
}
