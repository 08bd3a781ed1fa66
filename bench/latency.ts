import { setTimeout as delay } from 'node:timers/promises';
import { startBroker } from '../test/servers/kafka-broker.ts';
import { startMariaDb } from '../test/servers/mariadb.ts';
import { startShopForBench } from './shop.ts';

const queries = ['sea', 'love', 'war', 'moby', 'dracula', 'alice', 'emma', 'island', 'castle', 'garden'];
const lookEveryMs = 1;
const shownWithinMs = 10_000;

/**
 * Searches a whole running shop at an even rate, and measures for each search the time from its answer until `GET
 * /trends` includes it. With `onKafka` the log is a real broker, with `onMysql` catalogue and states are in a real MariaDB.
 */
export async function benchLatency(options: {
  perSecond: number;
  seconds: number;
  onKafka: boolean;
  onMysql: boolean;
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
    const measure = createMeasure(shop.trendUrl);
    for (let round = 0; round < 3; round++) for (const query of queries) await search(shop.url, query);
    await delay(1_000);
    const tookMs: Promise<number>[] = [];
    const startedMs = performance.now();
    const counts = await measure.counts();
    for (let sent = 0; sent < options.perSecond * options.seconds; sent++) {
      await delay(Math.max(0, startedMs + (sent * 1_000) / options.perSecond - performance.now()));
      const query = queries[sent % queries.length]!;
      const expected = (counts.get(query) ?? 0) + 1;
      counts.set(query, expected);
      tookMs.push(search(shop.url, query).then(() => measure.shows(query, expected)));
    }
    const sorted = (await Promise.all(tookMs)).sort((a, b) => a - b);
    measure.end();
    const at = (share: number): number => Number(sorted[Math.floor(sorted.length * share)]!.toFixed(1));
    return {
      log: options.onKafka ? 'kafka' : 'embedded',
      state: options.onMysql ? 'mariadb' : 'embedded',
      searches: sorted.length,
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
  const answer = await fetch(`${url}/api/books?q=${query}`);
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
}

type Waiting = { readonly query: string; readonly expected: number; readonly shown: () => void };

/** Requests the trends again and again, and resolves the wait of each search that has appeared. */
function createMeasure(url: string) {
  const ending = new AbortController();
  let waiting: Waiting[] = [];
  const counts = async (): Promise<Map<string, number>> => {
    const trends = (await (await fetch(`${url}/trends?ps=${queries.length}`)).json()) as {
      query: string;
      searches: number;
    }[];
    return new Map(trends.map(({ query, searches }) => [query, searches]));
  };
  const looking = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const shown = await counts();
      const isShown = ({ query, expected }: Waiting): boolean => (shown.get(query) ?? 0) >= expected;
      const found = waiting.filter(isShown);
      waiting = waiting.filter((one) => !isShown(one));
      for (const one of found) one.shown();
      await delay(lookEveryMs);
    }
  };
  void looking();
  return {
    counts,
    shows: async (query: string, expected: number): Promise<number> => {
      const answeredMs = performance.now();
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
    end: () => ending.abort(),
  };
}
