import { connect } from 'node:net';
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
    const search = createSearches(shop.url, stack);
    for (let round = 0; round < 3; round++) for (const query of queries) await search(query);
    await delay(1_000);
    const looks = stack.use(openConnection(shop.trendUrl));
    const counts = countsIn(await looks.get(trendsPath));
    const watches =
      options.listeners === 0
        ? [watchList(looks)]
        : await Promise.all(Array.from({ length: options.listeners }, () => watchStream(shop.trendUrl)));
    const measure = async (seconds: number): Promise<readonly number[]> => {
      const tookMs: Promise<number>[] = [];
      const startedMs = performance.now();
      for (let sent = 0; sent < options.perSecond * seconds; sent++) {
        await delay(Math.max(0, startedMs + (sent * 1_000) / options.perSecond - performance.now()));
        const query = queries[sent % queries.length]!;
        const expected = (counts.get(query) ?? 0) + 1;
        counts.set(query, expected);
        const answered = search(query);
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

const trendsPath = `/trends?ps=${queries.length}`;

/** Each search takes a connection that is free, or a new one. */
function createSearches(url: string, stack: AsyncDisposableStack): (query: string) => Promise<void> {
  const free: Connection[] = [];
  return async (query) => {
    const connection = free.pop() ?? stack.use(openConnection(url));
    await connection.get(`/api/books?q=${query}`);
    free.push(connection);
  };
}

type Connection = {
  /** The body of the answer, valid until the next request. Only one request at a time. */
  readonly get: (path: string) => Promise<Buffer>;
  readonly [Symbol.dispose]: () => void;
};

const longestAnswerBytes = 1 << 20;

/**
 * A client that allocates almost nothing, because it shares the cores with what it measures. The garbage collections
 * of a client with `node:http` were most of the slowest hundredth: p99 on Kafka and MariaDB 37 ms instead of 12.
 */
function openConnection(url: string): Connection {
  const { host, hostname, port } = new URL(url);
  const answer = Buffer.allocUnsafeSlow(longestAnswerBytes);
  let length = 0;
  let waiting: PromiseWithResolvers<Buffer> | null = null;
  const hear = (bytes: number, chunk: Uint8Array): boolean => {
    answer.set(chunk.subarray(0, bytes), length);
    length += bytes;
    const body = bodyIn(answer.subarray(0, length));
    if (body === null) return true;
    length = 0;
    if (body instanceof Error) waiting?.reject(body);
    else waiting?.resolve(body);
    return true;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(64 << 10), callback: hear };
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread });
  socket.on('error', (error) => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error(`${url} closed the connection`)));
  return {
    get: (path) => {
      waiting = Promise.withResolvers();
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`, 'latin1');
      return waiting.promise;
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** @returns `null` until the answer is complete. */
function bodyIn(answer: Buffer): Buffer | Error | null {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const head = answer.toString('latin1', 0, headEnd);
  const from = headEnd + 4;
  const bytes = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
  if (!head.startsWith('HTTP/1.1 200') || Number.isNaN(bytes)) return new Error(head);
  return answer.length < from + bytes ? null : answer.subarray(from, from + bytes);
}

type Counts = ReadonlyMap<string, number>;
type Waiting = { readonly query: string; readonly expected: number; readonly shown: () => void };
type Watch = {
  /** @returns how many ms later the trends include this many searches for the query. */
  readonly shows: (query: string, expected: number) => Promise<number>;
  readonly end: () => void;
};

const field = '"searches":';

function countsIn(answer: Buffer): Map<string, number> {
  const counts = new Map<string, number>();
  for (const query of queries) {
    const row = answer.indexOf(`"query":"${query}"`);
    const from = answer.indexOf(field, row) + field.length;
    if (row >= 0) counts.set(query, Number.parseInt(answer.toString('latin1', from, from + 12), 10));
  }
  return counts;
}

/** Requests the trends again and again. */
function watchList({ get }: Connection): Watch {
  const ending = new AbortController();
  const waits = createWaits();
  const looking = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      waits.see(countsIn(await get(trendsPath)));
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
      if (newest !== undefined) waits.see(countsIn(Buffer.from(newest)));
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
