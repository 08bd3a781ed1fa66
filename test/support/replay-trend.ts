import { pino } from 'pino';
import type { EventLog } from '../../src/log/log.ts';
import { runProjection } from '../../src/projection/run-projection.ts';
import { createTrendProjection } from '../../src/services/trend/trend-projection.ts';
import { openSqliteTrendStore } from '../../src/services/trend/trend-store.sqlite.ts';
import { until } from './until.ts';

/** Counts the whole log into a new file, undisturbed. */
export async function replayTrend(log: EventLog, topic: string, path: string): Promise<void> {
  const store = openSqliteTrendStore(path, { clock: Date.now, busyTimeoutMs: 1_000 });
  const running = runProjection({
    log,
    progress: store,
    projection: createTrendProjection('replay', topic),
    instance: 'replay',
    clock: Date.now,
    logger: pino({ level: 'silent' }),
  });
  try {
    await until(
      'the replay is done',
      async () => {
        const { partitions } = await log.describe(topic);
        const positions = await store.positions('replay');
        return positions.length > 0 && positions.every(({ partition, next }) => next === partitions[partition]?.end);
      },
      60_000,
    );
  } finally {
    await running.close();
    await store.close();
  }
}
