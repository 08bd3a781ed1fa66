import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultTopicNames as topics } from '../src/events/topics.ts';
import type { EventLog } from '../src/log/log.ts';
import { checkShop } from './support/check-shop.ts';
import { readWholeTopic } from './support/read-whole-topic.ts';
import { startShop, type Shop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';

/** `SEARCHES=20000 npm run test:failure` is the long form. */
const searches = Number(process.env['SEARCHES'] ?? 2_000);
const searchesPerSecond = 500;
const readers = 500;
const atOnce = 32;
const killEveryMs = { least: 700, most: 2_500 };
const answerWithinMs = 2_000;
const closedAtMostMs = 30_000;
const words = ['whale', 'dracula', 'love', 'sea', 'war', 'alice', 'homer', 'gatsby', 'nothing-like-it', 'the'];

type Reader = { cookie: string | null };
/** What the shop has confirmed. */
type Answered = { readonly queries: string[]; readonly actions: string[] };

/**
 * Tries until the shop accepts the connection. If it is cut later, it is not tried again: the search may have been
 * counted.
 */
async function visit(url: string, reader: Reader, number: number, answered: Answered): Promise<void> {
  const giveUpAtMs = performance.now() + closedAtMostMs;
  for (;;) {
    try {
      return await ask(url, reader, number, answered);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      const { code } = ((error as Error).cause ?? {}) as { code?: unknown };
      if (code !== 'ECONNREFUSED') return;
      if (performance.now() > giveUpAtMs) throw error;
      await delay(20);
    }
  }
}

/** Searches once, and sometimes opens the first result. */
async function ask(url: string, reader: Reader, number: number, answered: Answered): Promise<void> {
  const query = `${words[number % words.length]} n${number}`;
  const signal = AbortSignal.timeout(answerWithinMs);
  const headers = reader.cookie === null ? {} : { cookie: reader.cookie };
  const answer = await fetch(`${url}/api/books?q=${encodeURIComponent(query)}`, { headers, signal });
  const books = (await answer.json()) as readonly { readonly id: number }[];
  assert.equal(answer.status, 200);
  answered.queries.push(query);
  reader.cookie ??= answer.headers.getSetCookie()[0]?.split(';')[0] ?? null;
  if (number % 5 !== 0 || books[0] === undefined || reader.cookie === null) return;
  const acted = await fetch(`${url}/api/books/${books[0].id}/actions`, {
    method: 'POST',
    headers: { cookie: reader.cookie, 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'opened', query }),
    signal: AbortSignal.timeout(answerWithinMs),
  });
  await acted.text();
  assert.equal(acted.status, 202);
  answered.actions.push(query);
}

/** Sends the searches of all readers at the planned rate, whether they are answered or not. */
async function visitAll(url: string, answered: Answered): Promise<void> {
  const everybody = Array.from({ length: readers }, (): Reader => ({ cookie: null }));
  const startedMs = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let number = next++; number < searches; number = next++) {
      await delay(Math.max(0, startedMs + (number * 1_000) / searchesPerSecond - performance.now()));
      await visit(url, everybody[number % readers]!, number, answered);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** Kills the whole shop again and again until all searches have been sent. */
async function keepKilling(first: Shop, data: string, done: AbortSignal): Promise<{ shop: Shop; kills: number }> {
  const port = (url: string): string => new URL(url).port;
  const ports = {
    SAMSA_APP_PORT: port(first.web),
    SAMSA_TREND_PORT: port(first.trend),
    SAMSA_RECOMMENDATION_PORT: port(first.recommendation),
  };
  const { least, most } = killEveryMs;
  let shop = first;
  let kills = 0;
  while (!done.aborted) {
    await delay(least + Math.random() * (most - least), undefined, { signal: done }).catch(() => {});
    await shop.stop('SIGKILL');
    kills++;
    shop = await startShop(data, ports);
  }
  return { shop, kills };
}

it('counts every answered search exactly once while it is killed again and again', { timeout: 600_000 }, async (t) => {
  const data = makeTemporaryFolder();
  const answered: Answered = { queries: [], actions: [] };
  const done = new AbortController();
  const first = await startShop(data);
  const killing = keepKilling(first, data, done.signal);
  await visitAll(first.web, answered).finally(() => done.abort());
  const { shop, kills } = await killing;
  await checkShop(shop, data, async (log) => {
    await checkTopic(log, topics.searches, answered.queries, ({ key }) => key);
    await checkTopic(log, topics.actions, answered.actions, ({ value }) => (JSON.parse(value) as Action).query);
  });
  t.diagnostic(
    `${searches} searches by ${readers} readers, ${kills} kills: ` +
      `${answered.queries.length} searches and ${answered.actions.length} actions answered, each counted once`,
  );
  assert.ok(kills > 0 && answered.queries.length > searches / 2, 'enough was killed and enough was answered');
});

type Action = { readonly query: string };

/** Nothing is in the topic twice, and everything that was answered is there. */
async function checkTopic(
  log: EventLog,
  topic: string,
  answered: readonly string[],
  nameOf: (record: { key: string; value: string }) => string,
): Promise<void> {
  const names = (await readWholeTopic(log, topic)).map(({ key, value }) =>
    nameOf({ key: Buffer.from(key ?? []).toString(), value: Buffer.from(value ?? []).toString() }),
  );
  const kept = new Set(names);
  assert.equal(kept.size, names.length, `${topic}: something is in it twice`);
  assert.deepEqual(
    answered.filter((name) => !kept.has(name)),
    [],
    `${topic}: something answered is missing`,
  );
}
