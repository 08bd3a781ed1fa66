import { join } from 'node:path';
import { pino } from 'pino';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { startCheckpoints } from '../src/sqlite/checkpoints.ts';
import { bookSearchedRecord } from '../src/events/book-searched.ts';
import { createEventSource } from '../src/events/envelope.ts';
import type { EventLog } from '../src/log/log.ts';
import { openSqliteLog } from '../src/log/sqlite/log.ts';
import { runProjection } from '../src/projection/run-projection.ts';
import { createTrendProjection } from '../src/services/trend/trend-projection.ts';
import type { TrendStore } from '../src/services/trend/store/trend-store.ts';
import { openSqliteTrendStore } from '../src/services/trend/store/sqlite/trend-store.ts';
import { createZipf } from '../src/commands/simulate/random.ts';
import { hourMs } from '../src/runtime/time.ts';
import { seededRandom } from './made-up-books.ts';

const topic = 'lr-book-searches';
const logger = pino({ level: 'error' });
const readers = 20_000;
const queries = 50_000;
const valueBytes = 770;
const hours = 24;
const countedWithinMs = 600_000;

/**
 * Counts a log full of searches with the trend projection, as the service does, with nothing else running. Queries
 * follow Zipf's law; readers and hours are spread evenly, so that nearly every combination of reader, query and hour is
 * new: the most work that an event can cause. A smaller log is counted first, to warm up.
 */
export async function benchProjection(options: { events: number }) {
  await countOnce(Math.min(options.events, 50_000));
  const seconds = await countOnce(options.events);
  return {
    events: options.events,
    value_bytes: valueBytes,
    seconds: Number(seconds.toFixed(2)),
    events_per_s: Math.round(options.events / seconds),
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1_024),
  };
}

async function countOnce(events: number): Promise<number> {
  const folder = makeTemporaryFolder();
  const log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
  try {
    await log.create(topic, { partitions: 4, retentionMs: 0, compacted: false });
    await fillWithSearches(log, events, valueBytes);
    return await countAll(log, join(folder, 'trend.sqlite'));
  } finally {
    await log.close();
  }
}

/** Appends searches whose values have about this many bytes. */
export async function fillWithSearches(
  log: Pick<EventLog, 'append'>,
  events: number,
  valueBytes: number,
): Promise<void> {
  const random = seededRandom(events);
  const query = createZipf(queries, 0.9);
  const startMs = Date.now() - hours * hourMs;
  let sent = 0;
  const source = createEventSource('bench', () => startMs + Math.floor((sent / events) * hours) * hourMs);
  while (sent < events) {
    const records = [];
    for (const last = Math.min(events, sent + 1_000); sent < last; sent++) {
      const word = `query number ${query(random)}`;
      records.push(
        bookSearchedRecord(topic, source, {
          query: word,
          value: answer(word, valueBytes),
          reader: `reader-${Math.floor(random() * readers)}`,
          weight: 1,
          corrected: null,
          total: 10,
        }),
      );
    }
    await log.append(records);
  }
}

function answer(word: string, valueBytes: number): Buffer {
  const book = { id: 17, title: word, author: 'Somebody Else', description: '' };
  const padding = valueBytes - JSON.stringify([book]).length;
  return Buffer.from(JSON.stringify([{ ...book, description: 'x'.repeat(Math.max(0, padding)) }]));
}

/** With a checkpoint thread, as `samsa all` has one. @returns the seconds it took. */
export async function countAll(log: EventLog, path: string): Promise<number> {
  const checkpoints = startCheckpoints([path], { onProblem: (problem) => logger.error(problem) });
  const store = openSqliteTrendStore(path, { clock: Date.now, busyTimeoutMs: 1_000, checkpointedElsewhere: true });
  try {
    return await countInto(store, log);
  } finally {
    await checkpoints.close();
  }
}

/** Counts the whole log, and closes the store. @returns the seconds it took. @throws Error when an event was not counted. */
export async function countInto(store: TrendStore, log: EventLog): Promise<number> {
  const started = performance.now();
  const running = runProjection({
    log,
    progress: store,
    projection: createTrendProjection('bench', { searches: topic }),
    instance: 'bench',
    clock: Date.now,
    logger,
  });
  try {
    if (!(await running.caughtUp(countedWithinMs))) throw new Error('the events were not counted in time');
    const seconds = (performance.now() - started) / 1_000;
    const notCounted = (await store.positions('bench')).find(({ outcomes }) => outcomes.dead + outcomes.late > 0);
    if (notCounted !== undefined) throw new Error(`events were not counted: ${JSON.stringify(notCounted)}`);
    return seconds;
  } finally {
    await running.close();
    await store.close();
  }
}
