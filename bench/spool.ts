import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { startBroker, type Broker } from '../test/servers/kafka-broker.ts';
import { encodeHeaders, type NewRecord } from '../src/events/record.ts';
import { encodeEnvelope, createEventSource } from '../src/events/envelope.ts';
import { openKafkaLog } from '../src/log/kafka/log.ts';
import { openSpoolFile } from '../src/log/spool/spool-file.ts';
import { createIncomingRows } from '../src/log/spool/incoming.ts';
import { openSpooledLog, type SpooledLog } from '../src/log/spool/spooled-log.ts';

const topic = 'lr-book-searches';
const valueBytes = 1_000;
const turnMs = 10;
const perSecond = 10_000;

/**
 * Publishes through the spool to a real broker: first a backlog that an earlier process left, then 10,000 events a
 * second, one call for each event, as searches do.
 */
export async function benchSpool(options: { events: number; seconds: number }) {
  const broker = await startBroker();
  const folder = makeTemporaryFolder();
  try {
    await broker.createTopic(topic, 4);
    await leaveBacklog(folder, options.events);
    const started = performance.now();
    const log = await open(broker, folder);
    try {
      await untilEmpty(log);
      const drainSeconds = (performance.now() - started) / 1_000;
      const drainedRssMb = rssMb();
      const most = await publish(log, options);
      return {
        value_bytes: valueBytes,
        backlog: options.events,
        drained_per_s: Math.round(options.events / drainSeconds),
        rss_after_drain_mb: drainedRssMb,
        published_per_s: perSecond,
        seconds: options.seconds,
        ...most,
        peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1_024),
      };
    } finally {
      await log.close();
    }
  } finally {
    await broker.stop();
  }
}

function open({ brokers }: Broker, folder: string): Promise<SpooledLog> {
  const kafka = { brokers, clientId: 'bench' };
  return openSpooledLog(openKafkaLog({ ...kafka, clock: Date.now }), {
    folder,
    topics: [topic],
    kafka,
    clock: Date.now,
    busyTimeoutMs: 50,
    sync: 'normal',
    limitBytes: 4 * 2 ** 30,
    overflow: 'drop-newest',
    onSetAside: () => {},
    onProblem: (problem) => problem && console.error(problem.message),
  });
}

function createMaker(): () => NewRecord {
  const source = createEventSource('bench', Date.now);
  const value = Buffer.alloc(valueBytes, 'x');
  let number = 0;
  return () => ({
    topic,
    key: Buffer.from(`query ${number++ % 5_000}`),
    value,
    headers: encodeEnvelope(source.next('samsa.book.searched.v1', { reader: 'reader-1', weight: '1' })),
  });
}

async function leaveBacklog(folder: string, events: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const database = openSpoolFile(join(folder, 'backlog.sqlite'), { busyTimeoutMs: 1_000 });
  const incoming = createIncomingRows(database, Date.now);
  incoming.addTopic(topic);
  const number = incoming.numberOf(topic);
  const make = createMaker();
  for (let written = 0; written < events; written += 1_000) {
    const records = Array.from({ length: Math.min(1_000, events - written) }, make);
    incoming.write(records.map(({ key, value, headers }) => ({ number, key, value, headers: encodeHeaders(headers) })));
  }
  database.close();
}

/** @returns how far the relay fell behind at most, and how long an event took to be durable. */
async function publish(log: SpooledLog, { seconds }: { seconds: number }) {
  const make = createMaker();
  const durableMs: number[] = [];
  let mostWaiting = 0;
  let sent = 0;
  const appends: Promise<void>[] = [];
  const started = performance.now();
  while (sent < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, ((performance.now() - started) / 1_000) * perSecond);
    for (; sent < due; sent++) {
      const givenMs = performance.now();
      appends.push(log.append([make()]).then(() => void durableMs.push(performance.now() - givenMs)));
    }
    mostWaiting = Math.max(mostWaiting, waitingIn(log));
    await delay(turnMs);
  }
  await Promise.all(appends);
  const publishedSeconds = (performance.now() - started) / 1_000;
  const waitingAtEnd = waitingIn(log);
  await untilEmpty(log);
  durableMs.sort((one, other) => one - other);
  return {
    took_seconds: Number(publishedSeconds.toFixed(2)),
    durable_p99_ms: Number(durableMs[Math.floor(durableMs.length * 0.99)]!.toFixed(1)),
    most_waiting: mostWaiting,
    waiting_at_end: waitingAtEnd,
  };
}

function waitingIn(log: SpooledLog): number {
  return log.ledger().reduce((sum, { waiting }) => sum + waiting, 0);
}

async function untilEmpty(log: SpooledLog): Promise<void> {
  while (waitingIn(log) > 0) await delay(turnMs);
}

function rssMb(): number {
  return Math.round(process.memoryUsage().rss / 2 ** 20);
}
