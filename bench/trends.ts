import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openSqliteTrendStore } from '../src/services/trend/store/sqlite/trend-store.ts';
import type { CountedSearch } from '../src/services/trend/trend-projection.ts';
import { hourMs } from '../src/runtime/time.ts';
import { startChild } from './child.ts';
import { load } from './load.ts';
import { startShopForBench } from './shop.ts';

const bareServer = join(import.meta.dirname, 'bare-server.ts');
const hours = 192;
const perCommit = 5_000;
const words = ['sea', 'love', 'war', 'moby', 'dracula', 'alice', 'emma', 'island', 'castle', 'garden'];

/**
 * Reads `/trends` of a whole shop whose trend state has `counts` counts (a query in an hour each), and in alternating rounds
 * a bare route that answers as many bytes. With `perSecond`, searches arrive meanwhile at this rate, also while the
 * bare route is read.
 */
export async function benchTrends(options: { counts: number; perSecond: number; seconds: number; rounds: number }) {
  const { counts, perSecond, seconds, rounds } = options;
  const shop = await startShopForBench({}, (data) => fillCounts(join(data, 'trend.sqlite'), counts));
  try {
    const answer = await (await fetch(`${shop.trendUrl}/trends`)).arrayBuffer();
    const bare = await startChild([bareServer, String(answer.byteLength)]);
    const searches = searchAtRate(shop.url, perSecond);
    try {
      await load(shop.trendUrl, ['/trends'], 2);
      await load(bare.url, ['/api/books'], 2);
      const ratios: number[] = [];
      const perS: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const ours = await load(shop.trendUrl, ['/trends'], seconds);
        const bareOnes = await load(bare.url, ['/api/books'], seconds);
        ratios.push(ours.requestsPerSecond / bareOnes.requestsPerSecond);
        perS.push(Math.round(ours.requestsPerSecond));
      }
      return {
        counts,
        searches_per_s: perSecond,
        answer_bytes: answer.byteLength,
        requests_per_s: perS,
        ratios: ratios.map((ratio) => Number(ratio.toFixed(3))),
      };
    } finally {
      await searches.stop();
      await bare.stop();
    }
  } finally {
    await shop.stop();
  }
}

function searchAtRate(url: string, perSecond: number): { readonly stop: () => Promise<void> } {
  let isOver = false;
  const run = async (): Promise<void> => {
    const startedMs = performance.now();
    for (let sent = 0; perSecond > 0 && !isOver; sent++) {
      await delay(Math.max(0, startedMs + (sent * 1_000) / perSecond - performance.now()));
      void fetch(`${url}/api/books?q=${words[sent % words.length]}`).then((response) => response.arrayBuffer());
    }
  };
  const running = run();
  return {
    stop: async () => {
      isOver = true;
      await running;
    },
  };
}

/** Every query was searched by one reader in each of the last 192 hours. */
async function fillCounts(path: string, counts: number): Promise<void> {
  const store = openSqliteTrendStore(path, { clock: Date.now, busyTimeoutMs: 1_000 });
  const partition = { topic: 'filled', partition: 0 };
  const id = { projection: 'bench', instance: 'bench' };
  await store.lease({
    ...id,
    version: 1,
    ttlMs: 1e9,
    partitions: [{ ...partition, topicId: 'bench', start: 0, end: counts }],
  });
  const nowHour = Math.floor(Date.now() / hourMs);
  const queries = Math.ceil(counts / hours);
  const searchAt = (at: number): CountedSearch => {
    const query = `query ${at % queries}`;
    const hour = nowHour - (hours - 1) + Math.floor(at / queries);
    return {
      kind: 'search',
      queryKey: query,
      label: query,
      hour,
      reader: at % 1_009,
      anonymous: false,
      place: 1 << (at % 30),
      time: hour * hourMs,
      corrected: null,
      books: Buffer.from(JSON.stringify([{ id: 1 + (at % queries), title: query, author: 'Somebody' }])),
      lead: 1 + (at % queries),
      unanswered: false,
    };
  };
  for (let at = 0; at < counts; at += perCommit) {
    const next = Math.min(counts, at + perCommit);
    await store.commit({
      ...partition,
      ...id,
      expected: at,
      next,
      end: counts,
      arrivedMs: searchAt(next - 1).time,
      fingerprint: null,
      outcomes: { applied: next - at, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 },
      changes: Array.from({ length: next - at }, (_, index) => searchAt(at + index)),
      deadLetters: [],
      marks: new Map(),
    });
  }
  await store.close();
}
