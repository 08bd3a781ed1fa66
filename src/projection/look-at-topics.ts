import type { LeaseRequest } from '../progress/progress.ts';
import { SamsaError } from '../errors.ts';
import type { EventLog } from '../log/log.ts';
import { within } from '../runtime/waiting.ts';

export type Partitions = LeaseRequest['partitions'];

/** `trouble` is why the partitions are those of an earlier look; `null` where they are as of now. */
export type Look = { readonly partitions: Partitions; readonly trouble: unknown };

/**
 * Looks how far topics reach, for whoever has leases to renew meanwhile: where the log answers late or not at all, what it
 * said before stands, after twice `withinMs` at most. The first look waits for its answer.
 * @throws what `EventLog.describe` throws, while nothing is known.
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
      // The answer to an earlier question may tell of less than has been read by now.
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
