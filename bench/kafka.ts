import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { startBroker, type Broker } from '../test/servers/kafka-broker.ts';
import { kafkaJars } from '../test/servers/kafka-jars.ts';
import { startMariaDb } from '../test/servers/mariadb.ts';
import { startTidb } from '../test/servers/tidb.ts';
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

type KafkaBenchOptions = {
  readonly events: number;
  /** Alternating: ours, Kafka Streams, ours, … The result has the medians. */
  readonly rounds: number;
  /** Messages of the tutorial, key `query:reader`, instead of ours. */
  readonly isPlain: boolean;
  readonly state: 'sqlite' | 'mariadb' | 'tidb';
};

/**
 * Counts a topic of a real broker with the trend projection, as the service does, and with Kafka Streams' windowed count
 * with exactly-once; into TiDB beside MariaDB instead. Both count its first part once before, to warm up. TiDB must have
 * been built (`npm run test:tidb`); its storage is embedded, one process and no cluster.
 */
export async function benchKafka({ events, rounds, isPlain, state }: KafkaBenchOptions) {
  await using stack = new AsyncDisposableStack();
  const broker = await startBroker();
  stack.defer(broker.stop);
  const folder = makeTemporaryFolder();
  const log = openKafkaLog({ brokers: broker.brokers, clientId: 'bench', clock: Date.now });
  stack.defer(log.close);
  const count = state === 'sqlite' ? counterInSqlite(log, folder) : await counterIn(state, log, stack);
  const countInMariaDb = state === 'tidb' ? await counterIn('mariadb', log, stack) : null;
  const countBeside = (of: number): Promise<number> =>
    countInMariaDb?.() ?? countWithStreams({ broker, folder, events: of, isPlain });
  const fill = isPlain ? fillWithPlainSearches : (to: EventLog, few: number) => fillWithSearches(to, few, valueBytes);
  await log.create(topic, { partitions: 4, retentionMs: 0, compacted: false });
  const few = Math.min(events, warmUpEvents);
  await fill(log, few);
  await count();
  await countBeside(few);
  await fill(log, events - few);
  const took: { readonly ours: number; readonly beside: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    took.push({ ours: await count(), beside: await countBeside(events) });
  }
  const perSecond = (seconds: readonly number[]): number => Math.round(events / median(seconds));
  const countedPerSecond = perSecond(took.map(({ ours }) => ours));
  const besidePerSecond = perSecond(took.map(({ beside }) => beside));
  return {
    events,
    value_bytes: isPlain ? plainValueBytes : valueBytes,
    state,
    rounds,
    counted_per_s: countedPerSecond,
    [state === 'tidb' ? 'mariadb_per_s' : 'streams_per_s']: besidePerSecond,
    ratio: Number((countedPerSecond / besidePerSecond).toFixed(2)),
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1_024),
  };
}

function counterInSqlite(log: EventLog, folder: string): () => Promise<number> {
  let files = 0;
  return () => countAll(log, join(folder, `trend-${files++}.sqlite`));
}

async function counterIn(
  kind: 'mariadb' | 'tidb',
  log: EventLog,
  stack: AsyncDisposableStack,
): Promise<() => Promise<number>> {
  const server = await (kind === 'tidb' ? startTidb() : startMariaDb());
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
