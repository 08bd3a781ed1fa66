import type { LeaseRequest } from '../progress/progress.ts';
import { SamsaError } from '../errors.ts';
import type { EventLog } from '../log/log.ts';
import { within } from '../runtime/waiting.ts';

export type Partitions = LeaseRequest['partitions'];

/** `trouble` is why the partitions are from an earlier answer; `null` when they are current. */
export type Look = { readonly partitions: Partitions; readonly trouble: unknown };

/**
 * Asks the log for the ends of topics without keeping lease renewal waiting: when the log answers late or not at all, its
 * earlier answer is used after at most twice `withinMs`. The first call waits for its answer.
 * @throws what `EventLog.describe` throws, before the first answer.
 */
export function createTopicLook(log: EventLog, topics: readonly string[], withinMs: number): () => Promise<Look> {
  let known: Partitions | null = null;
  let asking: Promise<void> | null = null;

  const ask = (): Promise<void> => {
    asking = describeTopics(log, topics)
      .then((partitions) => {
        known = partitions;
      })
      .finally(() => {
        asking = null;
      });
    return asking;
  };

  return async () => {
    if (known === null) {
      await ask();
      return { partitions: known!, trouble: null };
    }
    const before = known;
    try {
      // The answer to an earlier question may be behind what has been read since.
      if (asking !== null) await within(withinMs, asking);
      if (asking === null) await within(withinMs, ask());
    } catch (trouble) {
      return { partitions: before, trouble };
    }
    return asking === null ? { partitions: known, trouble: null } : { partitions: before, trouble: late(withinMs) };
  };
}

export async function describeTopics(log: EventLog, topics: readonly string[]): Promise<Partitions> {
  const described = await Promise.all(
    topics.map(async (topic) => {
      const { id, partitions } = await log.describe(topic);
      return partitions.map(({ start, end }, partition) => ({ topic, partition, topicId: id, start, end }));
    }),
  );
  return described.flat();
}

function late(withinMs: number): SamsaError {
  return new SamsaError(
    'log-unavailable',
    `expected the log to say within ${withinMs} ms how far its topics reach, got no answer yet. Trying again may help.`,
    { retryable: true },
  );
}
