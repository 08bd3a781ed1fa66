import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { defaultTopicNames as topics } from '../src/events/topics.ts';
import type { EventLog } from '../src/log/log.ts';
import { pause } from '../src/runtime/waiting.ts';
import { checkShop } from './support/check-shop.ts';
import { readWholeTopic } from './support/read-whole-topic.ts';
import { makeSmallDisk } from './support/small-disk.ts';
import { startShop, type Shop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const words = ['whale', 'dracula', 'love', 'sea', 'war', 'alice', 'homer', 'nothing-like-it', 'the'];
const answerWithinMs = 5_000;
/** Enough for one store and its write-ahead log, which is truncated at 32 MiB. */
const megabytesPerStore = 80;
/** Requests sent while the disk is full, and again when there is room. */
const questions = 100;
const atOnce = 8;
/**
 * A service may wait seconds before it tries again. Without a pause, the requests sent meanwhile would fill the disk.
 */
const restMs = 10;

type Store = 'log' | 'catalogue' | 'trend' | 'recommendation' | 'search-index';
/** What the shop has confirmed. */
type Answered = { readonly queries: string[]; readonly actions: string[]; readonly books: string[] };

/** Sends requests one after another: readers search and open what they find, and sometimes an operator adds a book. */
function startVisitors(shop: Shop) {
  const answered: Answered = { queries: [], actions: [], books: [] };
  const leaving = new AbortController();
  let refused = 0;
  const post = async (path: string, body: object, done: string[], name: string): Promise<void> => {
    const answer = await fetch(shop.web + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const { code } = (await answer.json()) as { code?: string };
    if (answer.ok) done.push(name);
    else {
      assert.equal(answer.status, 503, `${path} ${name}`);
      assert.match(code ?? '', /^(log|store)-unavailable$/, `${path} ${name}`);
      refused++;
    }
  };
  const visit = async (number: number): Promise<void> => {
    const query = `${words[number % words.length]} n${number}`;
    const signal = AbortSignal.timeout(answerWithinMs);
    const answer = await fetch(`${shop.web}/api/books?q=${encodeURIComponent(query)}`, { signal });
    assert.equal(answer.status, 200, query);
    const [book] = (await answer.json()) as readonly { readonly id: number }[];
    answered.queries.push(query);
    if (number % 3 === 0 && book !== undefined) {
      await post(`/api/books/${book.id}/actions`, { action: 'opened', query }, answered.actions, query);
    }
    if (number % 5 !== 0) return;
    const title = `Addition a${number}`;
    await post('/api/books', { title, author: 'Somebody', description: 'x'.repeat(2_000) }, answered.books, title);
  };
  let next = 0;
  const come = async (): Promise<void> => {
    while (!leaving.signal.aborted) {
      await visit(next++);
      await pause(restMs, leaving.signal);
    }
  };
  const visiting = Promise.all(Array.from({ length: atOnce }, come));
  return {
    answered,
    refused: () => refused,
    /** Resolves when this many more requests have been answered. */
    more: async (count: number) => {
      const enough = answered.queries.length + count;
      await Promise.race([visiting, until('visitors are answered', () => answered.queries.length >= enough, 60_000)]);
    },
    leave: async () => {
      leaving.abort();
      await visiting;
    },
  };
}

async function reasons(url: string): Promise<readonly string[]> {
  const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(answerWithinMs) });
  return ((await answer.json()) as { reasons: string[] }).reasons;
}

/** Whether the shop has noticed the full disk. */
type Shows = (shop: Shop, refused: number) => boolean | Promise<boolean>;

const says =
  (name: 'web' | 'trend' | 'recommendation', reason = 'store-unavailable'): Shows =>
  async (shop) =>
    (await reasons(shop[name])).includes(reason);

/** Opens a shop with these stores on a small disk, fills the disk, and then frees it. */
async function survives(stores: readonly Store[], shows: Shows): Promise<void> {
  const data = makeTemporaryFolder();
  const disk = makeSmallDisk(megabytesPerStore * stores.length);
  for (const store of stores) symlinkSync(join(disk.folder, `${store}.sqlite`), join(data, `${store}.sqlite`));
  try {
    const shop = await startShop(data);
    try {
      const visitors = startVisitors(shop);
      await visitors.more(questions);
      assert.equal(visitors.refused(), 0);
      disk.fill();
      await until('it shows', () => shows(shop, visitors.refused()), 60_000);
      await visitors.more(questions);
      disk.free();
      let unwell = '';
      const isWell = async (): Promise<boolean> => {
        const all = await Promise.all([shop.web, shop.trend, shop.recommendation].map(reasons));
        unwell = JSON.stringify(all);
        return all.flat().every((reason) => reason === 'lagging');
      };
      await until('the services are well again', isWell, 60_000).catch((error: unknown) => {
        throw new Error(`they say ${unwell}: ${shop.output().slice(-4_000)}`, { cause: error });
      });
      await visitors.more(questions);
      await visitors.leave();
      for (const title of visitors.answered.books) await isFoundOnce(shop, title);
      await checkShop(shop, data, (log) => checkLog(log, visitors.answered));
      assert.doesNotMatch(shop.output(), /^\s+at .+:\d+/m, 'no stack trace is shown');
    } finally {
      await shop.stop('SIGKILL');
    }
  } finally {
    disk.remove();
  }
}

async function isFoundOnce(shop: Shop, title: string): Promise<void> {
  const answer = await fetch(`${shop.web}/api/search?q=${encodeURIComponent(title)}`);
  const { books } = (await answer.json()) as { books: readonly { title: string }[] };
  assert.equal(books.filter((book) => book.title === title).length, 1, title);
}

/** Everything that was confirmed is in the log once. */
async function checkLog(log: EventLog, answered: Answered): Promise<void> {
  const searches = (await readWholeTopic(log, topics.searches)).map(({ key }) => text(key));
  const actions = (await readWholeTopic(log, topics.actions)).map(({ value }) => text(value));
  const queries = actions.map((action) => (JSON.parse(action) as { query: string }).query);
  assert.deepEqual(searches.filter((query) => / n\d+$/.test(query)).sort(), answered.queries.toSorted());
  assert.deepEqual(queries.sort(), answered.actions.toSorted());
}

function text(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString();
}

describe('answers every search while a disk is full, and counts each one once when there is room again:', () => {
  const limits = { timeout: 240_000 };

  it('the disk of the log', limits, () => survives(['log'], says('web', 'not-durable')));

  it('the disk of the catalogue', limits, () => survives(['catalogue'], (_shop, refused) => refused > 0));

  it('the disk of the search index', limits, () => survives(['search-index'], says('web')));

  it('the disk of the trend service', limits, () => survives(['trend'], says('trend')));

  it('the disk of the recommendation service', limits, () => survives(['recommendation'], says('recommendation')));

  it('the disk of everything', limits, () =>
    survives(['log', 'catalogue', 'search-index', 'trend', 'recommendation'], says('web')),
  );
});
