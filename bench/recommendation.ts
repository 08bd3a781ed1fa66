import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { bookChangedRecord } from '../src/events/book-changed.ts';
import { createBookSearchedDecoder } from '../src/events/book-searched.ts';
import { createEventSource } from '../src/events/envelope.ts';
import { readerActionRecord } from '../src/events/reader-action.ts';
import type { NewRecord } from '../src/events/record.ts';
import { defaultTopicNames as topics } from '../src/events/topics.ts';
import { createHttpServer } from '../src/http/server.ts';
import { listen } from '../src/http/connections.ts';
import type { EventLog } from '../src/log/log.ts';
import { openSqliteLog } from '../src/log/sqlite/log.ts';
import { openAnswers } from '../src/services/recommendation/answers/open-answers.ts';
import { createRecommendationService } from '../src/services/recommendation/recommendation-service.ts';
import { openSqliteRecommendationStore } from '../src/services/recommendation/store/sqlite/recommendation-store.ts';
import { startCheckpoints } from '../src/sqlite/checkpoints.ts';
import { openTestAccess } from '../test/support/open-test-server.ts';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { load } from './load.ts';
import { createZipf } from '../src/commands/simulate/random.ts';
import { madeUpBooks, seededRandom } from './made-up-books.ts';

const logger = pino({ level: 'error' });
const clock = Date.now;
const actionsPerReader = 50;
const readersAsked = 500;
const perAppend = 1_000;
const actionsMeasured = 20;
/** The last books have nothing in common with others, and only the measured actions name them. */
const untouchedBooks = 2 * actionsMeasured;
const restMs = 500;
/** Of the processor, while there is nothing to learn. */
const restShare = 0.1;

type Action = { readonly reader: string; readonly bookId: number };
type Options = {
  readonly events: number;
  readonly books: number;
  readonly seconds: number;
  /** Ratings to read instead of made-up actions: `user item rating timestamp` per line. */
  readonly stream: string | null;
};

/**
 * Reads a log full of actions with the recommendation service, as `samsa all` runs it. When everything is learnt, asks it
 * over HTTP on one connection for the recommendations of different readers, and how soon an action shows in answers.
 */
export async function benchRecommendation({ events, books, seconds, stream }: Options) {
  const folder = makeTemporaryFolder();
  const log = openSqliteLog(join(folder, 'log.sqlite'), { clock, busyTimeoutMs: 1_000 });
  const path = join(folder, 'recommendation.sqlite');
  try {
    for (const topic of [topics.searches, topics.actions, topics.changes]) {
      await log.create(topic, { partitions: 4, retentionMs: 0, compacted: false });
    }
    const shelved = books + untouchedBooks;
    await appendBooks(log, books);
    await serve(log, path, async (service) => {
      await untilRead(service, shelved);
    });
    const actions = stream === null ? madeUpActions(events, books) : readActions(stream);
    await appendActions(log, actions);
    return await serve(log, path, async (service) => {
      const started = performance.now();
      await untilRead(service, shelved + actions.length);
      const readMs = performance.now() - started;
      await untilAtRest();
      const learntMs = performance.now() - started;
      const readers = [...new Set(actions.map(({ reader }) => reader))].slice(0, readersAsked);
      const paths = readers.map((reader) => `/recommendations?uid=${reader}`);
      await load(service.url, paths, 2, 1);
      const answers = await load(service.url, paths, seconds, 1);
      const own = await ownActions(log, service.url, readers);
      const others = await actionsOfOthers(log, service.url, shelved);
      return {
        events: actions.length,
        events_per_s: Math.round((actions.length / readMs) * 1_000),
        learnt_s: Math.round(learntMs / 1_000),
        answers_per_s: Math.round(answers.requestsPerSecond),
        answer_p50_ms: answers.p50Ms,
        answer_p99_ms: answers.p99Ms,
        own_action_ms: own,
        action_of_others_ms: others,
        rss_mb: Math.round(process.memoryUsage().rss / 2 ** 20),
        peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1_024),
      };
    });
  } finally {
    await log.close();
  }
}

type Served = { readonly url: string; readonly read: () => number };

async function serve<Result>(log: EventLog, path: string, body: (service: Served) => Promise<Result>): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const checkpoints = startCheckpoints([path], { onProblem: (problem) => logger.error(problem) });
  stack.defer(checkpoints.close);
  const store = openSqliteRecommendationStore(path, { clock, busyTimeoutMs: 1_000, checkpointedElsewhere: true });
  stack.defer(store.close);
  const registry = new Registry();
  const access = openTestAccess();
  const service = createRecommendationService({
    log,
    store,
    clock,
    logger,
    registry,
    topics,
    answers: openAnswers(
      { kind: 'sqlite', path },
      { checkpointedElsewhere: true, onProblem: (error) => logger.error(error) },
    ),
    decodeSearch: createBookSearchedDecoder(),
    projectionName: 'bench',
    instance: 'bench',
    access,
    verifyReader: () => null,
  });
  stack.defer(service.close);
  const readiness = service.readiness;
  const common = { service: 'recommendation' as const, version: 'bench', rateLimitPerMinute: 0 };
  const server = await createHttpServer({ ...common, access, logger, registry, readiness });
  stack.defer(async () => {
    await server.close();
  });
  service.routes(server);
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 }, 'recommendation');
  return await body({ url, read: () => service.ledger().reduce((sum, { outcomes }) => sum + outcomes.applied, 0) });
}

async function untilRead({ read }: Served, events: number): Promise<void> {
  while (read() < events) await delay(20);
}

/** Resolves when the process does next to nothing: every weight is solved, and nothing is left to read. */
async function untilAtRest(): Promise<void> {
  for (;;) {
    const before = process.cpuUsage();
    await delay(restMs);
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1_000 < restMs * restShare) return;
  }
}

/** From a reader's durable action until their answer no longer has the book. */
async function ownActions(log: EventLog, url: string, readers: readonly string[]) {
  const source = createEventSource('own', clock);
  const tookMs: number[] = [];
  for (const reader of readers.slice(0, actionsMeasured)) {
    const bookId = (await answer(url, reader))[0]!.book_id;
    await log.append([readerActionRecord(topics.actions, source, reader, { action: 'dismissed', book_id: bookId })]);
    tookMs.push(await timeUntil(async () => (await answer(url, reader)).every((one) => one.book_id !== bookId)));
  }
  return spread(tookMs);
}

/** From the durable action of a third reader of two books until a reader of one of them is offered the other. */
async function actionsOfOthers(log: EventLog, url: string, books: number) {
  const source = createEventSource('others', clock);
  const tookMs: number[] = [];
  for (let round = 0; round < actionsMeasured; round++) {
    const [one, other] = [books - 2 * round, books - 2 * round - 1];
    const chose = (reader: string, bookId: number): NewRecord =>
      readerActionRecord(topics.actions, source, `${reader}-${round}`, { action: 'chosen', book_id: bookId });
    const before = ['first', 'second'].flatMap((reader) => [chose(reader, one), chose(reader, other)]);
    await log.append([...before, chose('third', one), chose('watching', one)]);
    await delay(restMs);
    await log.append([chose('third', other)]);
    const isTold = async (): Promise<boolean> =>
      (await answer(url, `watching-${round}`)).some(
        ({ book_id: bookId, tier }) => bookId === other && tier === 'read-together',
      );
    tookMs.push(await timeUntil(isTold));
  }
  return spread(tookMs);
}

async function answer(url: string, reader: string) {
  const response = await fetch(`${url}/recommendations?uid=${reader}`);
  return (await response.json()) as readonly { readonly book_id: number; readonly tier: string }[];
}

async function timeUntil(isSo: () => Promise<boolean>): Promise<number> {
  const started = performance.now();
  while (!(await isSo())) if (performance.now() - started > 10_000) throw new Error('an action does not show');
  return performance.now() - started;
}

function spread(tookMs: readonly number[]) {
  const sorted = tookMs.toSorted((one, other) => one - other);
  const at = (share: number): number => Number(sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(1));
  return { p50: at(0.5), max: at(1) };
}

async function append(log: EventLog, records: Iterable<NewRecord>): Promise<void> {
  let batch: NewRecord[] = [];
  for (const record of records) {
    batch.push(record);
    if (batch.length < perAppend) continue;
    await log.append(batch);
    batch = [];
  }
  if (batch.length > 0) await log.append(batch);
}

async function appendBooks(log: EventLog, count: number): Promise<void> {
  const source = createEventSource('bench', clock);
  const random = seededRandom(count);
  const madeUp = madeUpBooks(count).map(({ year, ...fields }) => {
    const subjects = [`Subject ${Math.floor(random() * 500)}`, `Subject ${Math.floor(random() * 500)}`];
    return { ...fields, published_at: String(year), subjects };
  });
  const untouched = Array.from({ length: untouchedBooks }, (_, at) => ({
    title: `Untouched ${at}`,
    author: `By ${at}`,
  }));
  const records = [...madeUp, ...untouched].map((fields, at) => {
    const book = { id: at + 1, ...fields };
    return bookChangedRecord(topics.changes, source, { bookId: book.id, version: 1, book });
  });
  await append(log, records);
}

async function appendActions(log: EventLog, actions: readonly Action[]): Promise<void> {
  const startedMs = clock();
  let at = 0;
  const source = createEventSource('bench', () => startedMs + at);
  const records = actions.map(({ reader, bookId }) => {
    at++;
    return readerActionRecord(topics.actions, source, reader, { action: 'chosen', book_id: bookId });
  });
  await append(log, records);
}

/** Readers prefer a part of the catalogue each, and its popular books. */
function madeUpActions(count: number, books: number): readonly Action[] {
  const random = seededRandom(count);
  const readers = Math.max(1, Math.floor(count / actionsPerReader));
  const rank = createZipf(books, 0.8);
  return Array.from({ length: count }, (_, at) => {
    const reader = at % readers;
    const bookId = random() < 0.7 ? 1 + ((rank(random) + reader * 37) % books) : 1 + rank(random);
    return { reader: `reader-${reader}`, bookId };
  });
}

function readActions(path: string): readonly Action[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split('\t'))
    .filter(([user]) => user !== undefined && user !== '')
    .sort((one, other) => Number(one[3]) - Number(other[3]))
    .map(([user, item]) => ({ reader: `u${user}`, bookId: 1 + Number(item) }));
}
