import type { PartitionPosition } from '../progress/progress.ts';
import { SamsaError } from '../errors.ts';
import type { EventLog } from '../log/log.ts';
import { hasDiverged } from './has-diverged.ts';
import type { UpTo } from './replay.ts';

/** Why a state cannot come from the log as it is now; `null` when it can. */
export async function findDivergence(log: EventLog, positions: readonly PartitionPosition[]): Promise<string | null> {
  const signal = new AbortController().signal;
  for (const { topic, partition, topicId, next, fingerprint } of positions) {
    try {
      const applied = { log, partition: { topic, partition }, signal };
      if (!(await hasDiverged(applied, { next, topicId, fingerprint }))) continue;
      return `it has diverged from the log: ${topic}/${partition} no longer has what was read there before ${next}`;
    } catch (error) {
      if (error instanceof SamsaError && error.code === 'topic-replaced')
        return `${topic} was deleted and created again`;
      if (error instanceof SamsaError && error.code === 'topic-unknown') return `the log no longer has ${topic}`;
      throw error;
    }
  }
  return null;
}

/** Whether a state has read exactly up to these offsets. */
export function standAt(positions: readonly PartitionPosition[], offsets: UpTo): boolean {
  return offsets.every(({ topic, partition, next }) =>
    positions.some((at) => at.topic === topic && at.partition === partition && at.next === next),
  );
}

/**
 * The event time from which a topic still has all its events: ms since 1970, 0 when none has expired. Only for topics
 * that are not compacted.
 */
export async function completeFrom(
  log: EventLog,
  topic: string,
  positions: readonly PartitionPosition[],
): Promise<number> {
  const { id, partitions } = await log.describe(topic);
  let fromMs = 0;
  for (const [partition, { start }] of partitions.entries()) {
    if (start === 0) continue;
    const { records } = await log.read({
      topic,
      topicId: id,
      partition,
      from: start,
      maxBytes: 1,
      waitMs: 0,
      signal: new AbortController().signal,
    });
    const last = positions.find((at) => at.topic === topic && at.partition === partition)?.arrivedMs ?? 0;
    fromMs = Math.max(fromMs, records[0]?.timestamp ?? last + 1);
  }
  return fromMs;
}
