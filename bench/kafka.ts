import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '../test/servers/kafka-broker.ts';
import { openKafkaLog } from '../src/log/kafka/log.ts';
import { countAll, fillWithSearches } from './projection.ts';

const topic = 'lr-book-searches';
const valueBytes = 1_000;

const warmUpEvents = 50_000;

/**
 * Counts a topic of a real broker with the trend projection, as the service does. Counts its first part once before, to
 * warm up.
 */
export async function benchKafka({ events }: { events: number }) {
  const broker = await startBroker();
  const folder = await mkdtemp(join(tmpdir(), 'samsa-bench-'));
  const log = openKafkaLog({ brokers: broker.brokers, clientId: 'bench', clock: Date.now });
  try {
    await log.create(topic, { partitions: 4, retentionMs: 0, compacted: false });
    const few = Math.min(events, warmUpEvents);
    await fillWithSearches(log, few, valueBytes);
    await countAll(log, join(folder, 'warm-up.sqlite'));
    await fillWithSearches(log, events - few, valueBytes);
    const seconds = await countAll(log, join(folder, 'trend.sqlite'));
    return {
      events,
      value_bytes: valueBytes,
      counted_per_s: Math.round(events / seconds),
      peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1_024),
    };
  } finally {
    await log.close();
    await broker.stop();
    await rm(folder, { recursive: true });
  }
}
