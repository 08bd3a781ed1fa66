import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startBroker, type Broker } from '../test/servers/kafka-broker.ts';
import { kafkaJars } from '../test/servers/kafka-jars.ts';
import { startMariaDb } from '../test/servers/mariadb.ts';
import { openKafkaLog } from '../src/log/kafka/log.ts';
import { openMysqlTrendStore } from '../src/services/trend/store/mysql/trend-store.ts';
import { seededRandom } from './made-up-books.ts';
import { countAll, countInto, fillWithSearches } from './projection.ts';
import type { EventLog } from '../src/log/log.ts';

const topic = 'lr-book-searches';
const valueBytes = 1_000;
const plainValueBytes = 1_555;
const plainQueries = 1_500;
const plainReaders = 5_000;
const warmUpEvents = 50_000;
const streams = join(import.meta.dirname, 'streams');

export type KafkaBenchOptions = {
  readonly events: number;
  /** Alternating: ours, Kafka Streams, ours, … The result has the medians. */
  readonly rounds: number;
  /** Messages of the tutorial, key `query:reader`, instead of ours. */
  readonly isPlain: boolean;
  /** Counts into MariaDB instead of SQLite. */
  readonly onMysql: boolean;
};

/**
 * Counts a topic of a real broker with the trend projection, as the service does, and with Kafka Streams' windowed count
 * with exactly-once. Both count its first part once before, to warm up.
 */
export async function benchKafka({ events, rounds, isPlain, onMysql }: KafkaBenchOptions) {
  await using stack = new AsyncDisposableStack();
  const broker = await startBroker();
  stack.defer(broker.stop);
  const folder = await mkdtemp(join(tmpdir(), 'samsa-bench-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const log = openKafkaLog({ brokers: broker.brokers, clientId: 'bench', clock: Date.now });
  stack.defer(log.close);
  const count = onMysql ? await counterInMysql(log, stack) : counterInSqlite(log, folder);
  const fill = isPlain ? fillWithPlainSearches : (to: EventLog, few: number) => fillWithSearches(to, few, valueBytes);
  await log.create(topic, { partitions: 4, retentionMs: 0, compacted: false });
  const few = Math.min(events, warmUpEvents);
  await fill(log, few);
  await count();
  await countWithStreams({ broker, folder, events: few, isPlain });
  await fill(log, events - few);
  const took: { readonly ours: number; readonly streams: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    took.push({ ours: await count(), streams: await countWithStreams({ broker, folder, events, isPlain }) });
  }
  const perSecond = (seconds: readonly number[]): number => Math.round(events / median(seconds));
  const countedPerSecond = perSecond(took.map(({ ours }) => ours));
  const streamsPerSecond = perSecond(took.map((one) => one.streams));
  return {
    events,
    value_bytes: isPlain ? plainValueBytes : valueBytes,
    state: onMysql ? 'mariadb' : 'sqlite',
    rounds,
    counted_per_s: countedPerSecond,
    streams_per_s: streamsPerSecond,
    ratio: Number((countedPerSecond / streamsPerSecond).toFixed(2)),
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1_024),
  };
}

function counterInSqlite(log: EventLog, folder: string): () => Promise<number> {
  let files = 0;
  return () => countAll(log, join(folder, `trend-${files++}.sqlite`));
}

async function counterInMysql(log: EventLog, stack: AsyncDisposableStack): Promise<() => Promise<number>> {
  const server = await startMariaDb();
  stack.defer(server.stop);
  return async () => countInto(await openMysqlTrendStore(await server.createDatabase()), log);
}

async function fillWithPlainSearches(log: EventLog, events: number): Promise<void> {
  const random = seededRandom(events);
  const books = Array.from({ length: 5 }, (_, index) => ({
    id: index + 1,
    title: 'Moby Dick',
    author: 'Herman Melville',
  }));
  for (let sent = 0; sent < events;) {
    const records = [];
    for (const last = Math.min(events, sent + 1_000); sent < last; sent++) {
      const number = Math.floor(random() * plainQueries);
      const description = `query ${number} `.padEnd(plainValueBytes - JSON.stringify(books).length, 'x');
      records.push({
        topic,
        key: Buffer.from(`query ${number}:u${Math.floor(random() * plainReaders)}`),
        value: Buffer.from(JSON.stringify([{ ...books[0], description }, ...books.slice(1)])),
        headers: [],
      });
    }
    await log.append(records);
  }
}

/** @returns the seconds from the first event to the last one: starting up does not count. */
async function countWithStreams(options: {
  readonly broker: Broker;
  readonly folder: string;
  readonly events: number;
  readonly isPlain: boolean;
}): Promise<number> {
  const { broker, folder, events, isPlain } = options;
  const jars = await kafkaJars(join(streams, 'pom.xml'));
  const id = `streams-${performance.now()}`;
  const program = ['-Xmx1g', '-cp', `${jars}/*`, join(streams, 'WindowedCount.java')];
  const settings = [broker.brokers.join(','), topic, id, join(folder, id), String(events), String(isPlain)];
  const { stdout } = await promisify(execFile)('java', [...program, ...settings], { timeout: 600_000 });
  return Number(stdout);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;
}
