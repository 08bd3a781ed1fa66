import { pino } from 'pino';
import type { Progress } from '../../src/progress/progress.ts';
import type { TopicNames } from '../../src/events/topics.ts';
import type { EventLog } from '../../src/log/log.ts';
import type { Projection } from '../../src/projection/projection.ts';
import { runProjection } from '../../src/projection/run-projection.ts';
import { createRecommendationProjection } from '../../src/services/recommendation/recommendation-projection.ts';
import { openSqliteRecommendationStore } from '../../src/services/recommendation/store/sqlite/recommendation-store.ts';
import { createTrendProjection } from '../../src/services/trend/trend-projection.ts';
import { openSqliteTrendStore } from '../../src/services/trend/store/sqlite/trend-store.ts';

const options = { clock: Date.now, busyTimeoutMs: 1_000 };
const withinMs = 120_000;

/** Counts the whole log into a new trend file, without interruption. */
export function replayTrend(log: EventLog, topic: string, path: string): Promise<void> {
  return replay(log, openSqliteTrendStore(path, options), createTrendProjection('replay', { searches: topic }));
}

/** Reads the whole log into a new recommendation file, without interruption. */
export function replayRecommendation(log: EventLog, topics: TopicNames, path: string): Promise<void> {
  return replay(log, openSqliteRecommendationStore(path, options), createRecommendationProjection('replay', topics));
}

async function replay<Change>(
  log: EventLog,
  progress: Progress<Change> & { readonly close: () => Promise<void> },
  projection: Projection<Change>,
): Promise<void> {
  const running = runProjection({
    log,
    progress,
    projection,
    instance: 'replay',
    clock: Date.now,
    logger: pino({ level: 'silent' }),
  });
  try {
    if (!(await running.caughtUp(withinMs))) throw new Error(`the replay was not done within ${withinMs} ms`);
  } finally {
    await running.close();
    await progress.close();
  }
}
