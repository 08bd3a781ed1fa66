import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { spawnSync } from 'node:child_process';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { startChild } from './child.ts';
import { load, type LoadResult } from './load.ts';
import { createZipf } from '../src/commands/simulate/random.ts';
import { madeUpBooks, seededRandom, type MadeUpBook } from './made-up-books.ts';

const samsa = join(import.meta.dirname, '../bin/samsa.js');
const warmUpSeconds = 3;
/** Measured: the processor time of V8's compiler threads falls from 24 µs a request to 2 over the first 110,000. */
const warmUpRequests = 120_000;
const connections = 64;
const bareServer = join(import.meta.dirname, 'bare-server.ts');

/**
 * Measures searches of a whole running shop (web, trend, recommendation; every event durable before its answer) and, in
 * alternating rounds, a bare Fastify route with answers of the same size. `lag_s` is how far the slower consumer was ever
 * behind at the end of a round.
 */
export async function benchSearch(options: {
  books: number;
  queries: number;
  seconds: number;
  rounds: number;
  isZipf: boolean;
}) {
  const folder = makeTemporaryFolder();
  const environment = {
    SAMSA_DATA: join(folder, 'data'),
    SAMSA_APP_PORT: '0',
    SAMSA_TREND_PORT: '0',
    SAMSA_RECOMMENDATION_PORT: '0',
    SAMSA_LOG_LEVEL: 'error',
  };
  const books = madeUpBooks(options.books);
  await importBooks(folder, books, environment);
  const different = questions(books, options.queries);
  const paths = options.isZipf ? drawnByZipf(different) : different;
  const shop = await startChild([samsa, 'all'], environment, 3);
  try {
    const bytes = await averageAnswer(shop.url, paths);
    const bare = await startChild([bareServer, String(bytes)]);
    try {
      await warmUp(shop.url, paths);
      await load(bare.url, paths, 2, connections);
      return await compare(shop.urls, bare.url, paths, bytes, options);
    } finally {
      await bare.stop();
    }
  } finally {
    await shop.stop();
  }
}

/** Until each query has been sent twice and the code is compiled: by then the caches are filled. */
async function warmUp(url: string, paths: readonly string[]): Promise<void> {
  for (let asked = 0; asked < Math.max(2 * paths.length, warmUpRequests);) {
    const next = Math.floor(asked) % paths.length;
    const { requestsPerSecond } = await load(
      url,
      [...paths.slice(next), ...paths.slice(0, next)],
      warmUpSeconds,
      connections,
    );
    asked += requestsPerSecond * warmUpSeconds;
  }
}

async function compare(
  [shopUrl = '', ...consumerUrls]: readonly string[],
  bareUrl: string,
  paths: readonly string[],
  bytes: number,
  { books, queries, seconds, rounds }: { books: number; queries: number; seconds: number; rounds: number },
) {
  const shop: LoadResult[] = [];
  const bare: LoadResult[] = [];
  const lags: number[] = [];
  for (let round = 0; round < rounds; round++) {
    shop.push(await load(shopUrl, paths, seconds, connections));
    for (const url of consumerUrls) lags.push(await lagSeconds(url));
    await delay(500);
    bare.push(await load(bareUrl, paths, seconds, connections));
  }
  const middle = (results: readonly LoadResult[], of: (result: LoadResult) => number): number =>
    results.map(of).sort((a, b) => a - b)[Math.floor(results.length / 2)]!;
  const requests = middle(shop, (result) => result.requestsPerSecond);
  const bareRequests = middle(bare, (result) => result.requestsPerSecond);
  return {
    books,
    queries,
    answer_bytes: bytes,
    requests_per_s: Math.round(requests),
    p50_ms: middle(shop, (result) => result.p50Ms),
    p99_ms: middle(shop, (result) => result.p99Ms),
    bare_requests_per_s: Math.round(bareRequests),
    bare_p99_ms: middle(bare, (result) => result.p99Ms),
    ratio: Number((requests / bareRequests).toFixed(3)),
    lag_s: Math.max(...lags),
  };
}

/** How far a consumer is behind the log. */
async function lagSeconds(url: string): Promise<number> {
  const metrics = await (await fetch(new URL('/metrics', url))).text();
  const lags = [...metrics.matchAll(/^samsa_projection_lag_seconds\S* (\S+)$/gm)].map(([, lag]) => Number(lag));
  if (lags.length === 0) throw new Error(`${url}: expected samsa_projection_lag_seconds among the metrics`);
  return Math.max(...lags);
}

async function importBooks(folder: string, books: readonly MadeUpBook[], environment: Record<string, string>) {
  const file = join(folder, 'books.csv');
  const rows = books.map(
    ({ title, author, year, description, popularity }, id) =>
      `${id + 1},"${title}","${author}",${year},"${description}",${popularity}`,
  );
  await writeFile(file, `id,title,author,year,description,popularity\n${rows.join('\n')}\n`);
  const { status } = spawnSync(process.execPath, [samsa, 'import', file, '--source', 'bench'], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`the import ended with ${status}`);
}

/** As many as before, the k-th query 1/k as often as the first. */
function drawnByZipf(paths: readonly string[]): readonly string[] {
  const random = seededRandom(8);
  const rank = createZipf(paths.length);
  return paths.map(() => paths[rank(random)]!);
}

/** Different queries, as readers type them: words of a title, an author, an unfinished last word. */
function questions(books: readonly MadeUpBook[], count: number): readonly string[] {
  const random = seededRandom(7);
  const asked = new Set<string>();
  while (asked.size < count) {
    const book = books[Math.floor(random() * books.length)]!;
    const words = book.title.toLowerCase().split(' ');
    const kind = random();
    const from = Math.floor(random() * words.length);
    if (kind < 0.5) asked.add(words.slice(from, from + 2 + Math.floor(random() * 2)).join(' '));
    else if (kind < 0.75) asked.add(`${words[from]} ${book.author.split(' ')[1]!.toLowerCase()}`);
    else if (kind < 0.9) asked.add(words.join(' ').slice(0, 4 + Math.floor(random() * 12)));
    else asked.add(book.author.toLowerCase());
    if (random() < 0.2) asked.add(words.join(' '));
  }
  return [...asked].slice(0, count).map((query) => `/api/books?q=${encodeURIComponent(query)}`);
}

async function averageAnswer(url: string, paths: readonly string[]): Promise<number> {
  let bytes = 0;
  const sample = paths.slice(0, 200);
  for (const path of sample) bytes += (await (await fetch(url + path)).arrayBuffer()).byteLength;
  return Math.round(bytes / sample.length);
}
