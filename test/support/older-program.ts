import { pino } from 'pino';
import type { Config } from '../../src/config/config.ts';
import { openDataFolder } from '../../src/commands/data-folder.ts';
import type { Progress } from '../../src/progress/progress.ts';
import { logLocation, stateLocation } from '../../src/commands/state/shop-locations.ts';
import { SamsaError } from '../../src/errors.ts';
import { text } from '../../src/events/envelope.ts';
import type { NewRecord } from '../../src/events/record.ts';
import type { EventLog } from '../../src/log/log.ts';
import { openLog } from '../../src/log/open-log.ts';
import type { Projection } from '../../src/projection/projection.ts';
import { runProjection } from '../../src/projection/run-projection.ts';
import { createRecommendationProjection } from '../../src/services/recommendation/recommendation-projection.ts';
import { openRecommendationStore } from '../../src/services/recommendation/state.ts';
import { openTrendStore } from '../../src/services/trend/state.ts';
import { createTrendProjection } from '../../src/services/trend/trend-projection.ts';
import { until } from './until.ts';

const clock = Date.now;
const busyTimeoutMs = 5_000;

/** Opens the log of a running shop, as commands do. */
export async function joinLog(config: Config): Promise<EventLog> {
  openDataFolder(config.data);
  return openLog(logLocation(config), { clock, busyTimeoutMs, checkpointedElsewhere: false });
}

/** A plain search that found nothing, as another program on the same topic sends it. */
export function searchRecord(config: Config, query: string, reader: string, value = '[]'): NewRecord {
  return {
    topic: config.mq.topics.searches,
    key: Buffer.from(`${query}:${reader}`),
    value: Buffer.from(value),
    headers: [],
  };
}

/**
 * Lets both services read the whole log as an older program that does not understand records whose key begins with
 * `refused`. These become dead letters, which the current program can read.
 */
export async function readWithOlderProgram(config: Config, log: EventLog, refused: string): Promise<void> {
  const options = { clock, busyTimeoutMs, checkpointedElsewhere: false };
  const { topics } = config.mq;
  const trend = await openTrendStore(stateLocation(config, 'trend'), options);
  try {
    await read(log, trend, older(createTrendProjection(config.trend.groupId, topics), refused));
  } finally {
    await trend.close();
  }
  const recommendation = await openRecommendationStore(stateLocation(config, 'recommendation'), options);
  try {
    const projection = createRecommendationProjection(config.recommendation.groupId, topics);
    await read(log, recommendation, older(projection, refused));
  } finally {
    await recommendation.close();
  }
}

function older<Change>(projection: Projection<Change>, refused: string): Projection<Change> {
  const reads = projection.reads.map((input) => ({
    ...input,
    fold: (record: Parameters<typeof input.fold>[0]) => {
      const key = text(record.key ?? Buffer.alloc(0));
      if (key.startsWith(refused)) throw new SamsaError('bad-event', `key: expected another one, got ${key}`);
      return input.fold(record);
    },
  }));
  return { ...projection, reads };
}

async function read<Change>(log: EventLog, progress: Progress<Change>, projection: Projection<Change>): Promise<void> {
  const running = runProjection({
    log,
    progress,
    projection,
    instance: 'older',
    clock,
    logger: pino({ level: 'silent' }),
    leaseTickMs: 20,
  });
  try {
    for (const { topic } of projection.reads) {
      const { partitions } = await log.describe(topic);
      await until(`${topic} is read`, async () => {
        const positions = (await progress.positions(projection.name)).filter((position) => position.topic === topic);
        return positions.length > 0 && positions.every(({ partition, next }) => next === partitions[partition]?.end);
      });
    }
  } finally {
    await running.close();
  }
}
