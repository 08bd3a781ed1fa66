import { existsSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { SamsaError } from '../../errors.ts';
import { bookSearchedRecord } from '../../events/book-searched.ts';
import { createEventSource } from '../../events/envelope.ts';
import { readerActionRecord } from '../../events/reader-action.ts';
import type { NewRecord } from '../../events/record.ts';
import type { TopicNames } from '../../events/topics.ts';
import { openLog } from '../../log/open-log.ts';
import { logLocation } from '../state/shop-locations.ts';
import { countingKey } from '../../text/words.ts';
import { dayMs, hourMs } from '../../runtime/time.ts';
import { createReadersInShop, lookThrough, type MadeUpAction } from './made-up-reader.ts';
import { createQuerySource, type KnownBook } from './query-source.ts';
import { createRandom, drawSeed, type Random } from './random.ts';

type HistoryOptions = Pick<BackdatedWeekOptions, 'books' | 'seed' | 'readers'> & {
  /** Ends it after the present write. */
  readonly signal: AbortSignal;
};

const recordsPerAppend = 500;
const busyTimeoutMs = 1_000;
/** How long a reader looks at a result. */
const lookMs = 5_000;

/** @throws SamsaError `bad-configuration` unless the shop's log is a file on this machine. */
export function refuseRemoteLog(config: Config): void {
  const location = logLocation(config);
  if (location.kind !== 'sqlite') {
    throw new SamsaError(
      'bad-configuration',
      '--history: expected the log on this machine, but mq.brokers names a broker. Made-up events of the past go into an embedded log only; simulate without --history.',
    );
  }
  if (existsSync(location.path)) return;
  throw new SamsaError(
    'bad-configuration',
    `--history: expected the log of the running shop at ${location.path}, but nothing is there. Set SAMSA_DATA to the folder the shop was opened in.`,
  );
}

/**
 * Puts a made-up week that ends now into the log. The events have past arrival times, because an event that arrives
 * more than a day late adds no reader (docs/decisions/002). The shop may run.
 * @returns how many events were added.
 * @throws SamsaError `store-unavailable`, `data-folder-unusable`, `state-too-new`
 */
export async function appendHistory(config: Config, { signal, ...week }: HistoryOptions): Promise<number> {
  let arrivedMs = 0;
  const log = await openLog(logLocation(config), { clock: () => arrivedMs, busyTimeoutMs });
  try {
    const toRecords = createRecordMaker(config.mq.topics);
    let events = 0;
    let records: NewRecord[] = [];
    const append = async (): Promise<void> => {
      await log.append(records);
      events += records.length;
      records = [];
    };
    const { pageSize } = config.app;
    for (const search of backdatedWeek({ ...week, pageSize, nowMs: Date.now() })) {
      records.push(...toRecords(search));
      arrivedMs = search.timeMs + search.actions.length * lookMs;
      if (records.length >= recordsPerAppend) await append();
      if (signal.aborted) break;
    }
    await append();
    return events;
  } finally {
    await log.close();
  }
}

function createRecordMaker(topics: TopicNames): (search: PastSearch) => readonly NewRecord[] {
  let timeMs = 0;
  const source = createEventSource('simulated-history', () => timeMs);
  const values = new Map<string, Buffer>();
  const valueOf = ({ query, results }: PastSearch): Buffer =>
    values.getOrInsertComputed(query, () => Buffer.from(JSON.stringify(results)));
  return (search) => {
    const { reader, query, weight, total } = search;
    timeMs = search.timeMs;
    const context = { reader, weight, corrected: null, total } as const;
    const records = [bookSearchedRecord(topics.searches, source, { query, value: valueOf(search), ...context })];
    for (const { action, bookId, position } of search.actions) {
      timeMs += lookMs;
      const body = { action, book_id: bookId, query, position };
      records.push(readerActionRecord(topics.actions, source, reader, body));
    }
    return records;
  };
}

/** A search that could have been made, and what its reader did then. */
type PastSearch = {
  /** Milliseconds since 1970; never falls. */
  readonly timeMs: number;
  /** A reader's id as the shop makes them: 22 characters of base64url. */
  readonly reader: string;
  readonly query: string;
  /**
   * 0 when a reader repeats a query within the hour: for past hours the trend service may have forgotten who was
   * counted.
   */
  readonly weight: 0 | 1;
  /** The first page of what the query finds; for one query always the same list. */
  readonly results: readonly KnownBook[];
  readonly total: number;
  /** In order, each a moment after the one before. */
  readonly actions: readonly MadeUpAction[];
};

type BackdatedWeekOptions = {
  readonly seed: number;
  /** By falling popularity, at least one. */
  readonly books: readonly KnownBook[];
  /** How many are in the shop at the same time. */
  readonly readers: number;
  readonly pageSize: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
};

/** Counts by the hour are kept for eight days. */
const reachMs = 6.9 * dayMs;
/** Nothing of the last minute, so that no action comes after now. */
const untilMs = 60_000;
/** Enough to give each query a usual number per hour. Their events take about 50 MB. */
const searches = 12_000;

/** How many searches each hour of the day has, relative to the others, UTC: few before dawn, most in the evening. */
const hourWeights = [4, 3, 2, 2, 2, 3, 5, 8, 11, 13, 14, 15, 16, 15, 15, 16, 17, 18, 20, 22, 24, 22, 16, 9] as const;
const greatestWeight = Math.max(...hourWeights);

/** The searches of the 6.9 days before now, in order: the same for the same options. */
export function* backdatedWeek(options: BackdatedWeekOptions): Generator<PastSearch, void, undefined> {
  const { books, readers, pageSize } = options;
  const random = createRandom(options.seed);
  const times = drawTimes(createRandom(drawSeed(random)), options.nowMs);
  const queries = createQuerySource(books);
  const inShop = createReadersInShop(readers, queries);
  const idOf = remembered((_reader: number) => drawReaderId(random));
  const findAll = finderIn(books);
  const find = remembered((query: string) => {
    const found = findAll(query);
    return { results: found.slice(0, pageSize), total: found.length };
  });
  const counted = new Set<string>();
  for (const timeMs of times) {
    const reader = inShop.drawReader(random);
    const query = queries.drawQuery(random, reader.taste);
    const count = `${reader.number} ${Math.floor(timeMs / hourMs)} ${countingKey(query)}`;
    const weight = counted.has(count) ? 0 : 1;
    counted.add(count);
    const { results, total } = find(query);
    const actions = lookThrough(results, createRandom(drawSeed(random)), reader.taste);
    yield { timeMs, reader: idOf(reader.number), query, weight, results, total, actions };
  }
}

function drawTimes(random: Random, nowMs: number): Float64Array {
  const times = new Float64Array(searches);
  for (let drawn = 0; drawn < searches;) {
    const timeMs = Math.floor(nowMs - untilMs - random() * (reachMs - untilMs));
    const hour = Math.floor(timeMs / hourMs) % 24;
    if (random() * greatestWeight < hourWeights[hour]!) times[drawn++] = timeMs;
  }
  return times.sort();
}

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function drawReaderId(random: Random): string {
  return Array.from({ length: 22 }, () => base64url[Math.floor(random() * base64url.length)]).join('');
}

/**
 * Finds nearly what the shop finds: books with every word of the query, or a word that begins with it, most popular
 * first.
 */
function finderIn(books: readonly KnownBook[]): (query: string) => readonly KnownBook[] {
  const texts = books.map(
    ({ title, author, subjects = [] }) => ` ${countingKey([title, author, ...subjects].join(' '))}`,
  );
  return (query) => {
    const words = countingKey(query)
      .split(' ')
      .map((word) => ` ${word}`);
    return books.filter((_book, index) => words.every((word) => texts[index]!.includes(word)));
  };
}

/** Remembers the answer to each question. */
function remembered<Question, Answer>(answer: (question: Question) => Answer): (question: Question) => Answer {
  const answers = new Map<Question, Answer>();
  return (question) => answers.getOrInsertComputed(question, answer);
}
