import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { bookSearchedRecord } from '../../src/events/book-searched.ts';
import { decodeEnvelope, createEventSource } from '../../src/events/envelope.ts';
import { openSqliteLog } from '../../src/log/sqlite/log.ts';
import { runProjection } from '../../src/projection/run-projection.ts';
import { createTrendProjection } from '../../src/services/trend/trend-projection.ts';
import { openSqliteTrendStore } from '../../src/services/trend/store/sqlite/trend-store.ts';
import { killThisProcess, watchStatements } from './kill-at-statement.ts';
import { until } from './until.ts';

/**
 * A small shop: appends searches, counts them as the trend service does, and ends when all are counted. Writes to
 * `report` `acknowledged <event id>` as soon as an event is durable, and `point <point>` for each SQL statement. Kills
 * itself before the statement given as second argument.
 */
const [folder = '', killBefore] = process.argv.slice(2);
const say = (line: string): void => appendFileSync(join(folder, 'report'), `${line}\n`);
watchStatements((point) => {
  if (point === killBefore) killThisProcess();
  else if (killBefore === undefined) say(`point ${point}`);
});

const topic = 'lr-book-searches';
const options = { clock: Date.now, busyTimeoutMs: 1_000 };
const log = openSqliteLog(join(folder, 'log.sqlite'), options);
await log.create(topic, { partitions: 2, retentionMs: 0, compacted: false });
const store = openSqliteTrendStore(join(folder, 'trend.sqlite'), options);
const running = runProjection({
  log,
  progress: store,
  projection: createTrendProjection('trend', { searches: topic }),
  instance: `crash-${process.pid}-${process.hrtime.bigint()}`,
  clock: Date.now,
  logger: pino({ level: 'silent' }),
  leaseMs: 60,
  leaseTickMs: 15,
});

const source = createEventSource('crash', Date.now);
for (let round = 0; round < 4; round++) {
  const records = ['dracula', 'emma', `round ${round}`].map((query, place) =>
    bookSearchedRecord(topic, source, {
      query,
      value: Buffer.from(JSON.stringify([{ id: place + 1, title: query, author: 'A. Nonymous' }])),
      reader: `reader-${(round + place) % 3}`,
      weight: 1,
      corrected: null,
      total: 1,
    }),
  );
  await log.append(records);
  for (const { headers } of records) say(`acknowledged ${decodeEnvelope(headers)?.id}`);
}

await until('every event is counted', async () => {
  const { partitions } = await log.describe(topic);
  const positions = await store.positions('trend');
  return positions.length > 0 && positions.every(({ partition, next }) => next === partitions[partition]?.end);
});
await running.close();
await store.close();
await log.close();
