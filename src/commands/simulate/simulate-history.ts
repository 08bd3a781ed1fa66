import { existsSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { SamsaError } from '../../errors.ts';
import { bookSearchedRecord } from '../../events/book-searched.ts';
import { createEventSource } from '../../events/envelope.ts';
import { readerActionRecord } from '../../events/reader-action.ts';
import type { NewRecord } from '../../events/record.ts';
import type { TopicNames } from '../../events/topics.ts';
import { openLog } from '../../log/open-log.ts';
import { backdatedWeek, type BackdatedWeekOptions, type PastSearch } from './backdated-week.ts';
import type { SimulationOptions } from './simulation.ts';
import { logLocation } from '../state/shop-places.ts';

type KnownBook = SimulationOptions['books'][number];
type HistoryOptions = Pick<BackdatedWeekOptions<KnownBook>, 'books' | 'seed' | 'readers'> & {
  /** Ends it after the present write. */
  readonly signal: AbortSignal;
};

const recordsPerAppend = 500;
const busyTimeoutMs = 1_000;
/** How long a reader takes to look at a result. */
const readingMs = 5_000;

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
      arrivedMs = search.timeMs + search.actions.length * readingMs;
      if (records.length >= recordsPerAppend) await append();
      if (signal.aborted) break;
    }
    await append();
    return events;
  } finally {
    await log.close();
  }
}

function createRecordMaker(topics: TopicNames): (search: PastSearch<KnownBook>) => readonly NewRecord[] {
  let timeMs = 0;
  const source = createEventSource('simulated-history', () => timeMs);
  const values = new Map<string, Buffer>();
  const valueOf = ({ query, results }: PastSearch<KnownBook>): Buffer => {
    const known = values.get(query) ?? Buffer.from(JSON.stringify(results));
    values.set(query, known);
    return known;
  };
  return (search) => {
    const { reader, query, weight, total } = search;
    timeMs = search.timeMs;
    const context = { reader, weight, corrected: null, total } as const;
    const records = [bookSearchedRecord(topics.searches, source, { query, value: valueOf(search), ...context })];
    for (const { action, bookId, position } of search.actions) {
      timeMs += readingMs;
      const body = { action, book_id: bookId, query, position };
      records.push(readerActionRecord(topics.actions, source, reader, body));
    }
    return records;
  };
}
