import { SamsaError } from '../errors.ts';
import type { EventLog, ReadRequest, TopicDescription } from './log.ts';

/**
 * The partition of a record with this key, chosen as by the Java client's default partitioner, so that programs written
 * with it put a key into the same partition. Source: Kafka's `BuiltInPartitioner.partitionForKey`, murmur2 with its
 * sign bit cleared, modulo the partitions.
 */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

/** MurmurHash2 by Austin Appleby, 32 bits, with the seed of Kafka's Java client. The result is signed, as in Java. */
export function murmur2(bytes: Uint8Array): number {
  const mix = 0x5bd1e995;
  const { length } = bytes;
  const tail = length & ~3;
  let hash = 0x9747b28c ^ length;
  for (let at = 0; at < tail; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, mix);
    word ^= word >>> 24;
    hash = Math.imul(hash, mix) ^ Math.imul(word, mix);
  }
  if (tail < length) {
    let rest = bytes[tail]!;
    if (length - tail > 1) rest |= bytes[tail + 1]! << 8;
    if (length - tail > 2) rest |= bytes[tail + 2]! << 16;
    hash = Math.imul(hash ^ rest, mix);
  }
  hash = Math.imul(hash ^ (hash >>> 13), mix);
  return hash ^ (hash >>> 15);
}

/**
 * Refuses a read of another topic of the same name, or of a partition that the topic does not have.
 * @param where the log is, for messages.
 * @throws SamsaError `topic-replaced`, `topic-unknown`
 */
export function requirePartition(
  where: string,
  topic: { readonly id: string; readonly partitions: number },
  request: Pick<ReadRequest, 'topic' | 'topicId' | 'partition'>,
): void {
  if (topic.id !== request.topicId) {
    throw new SamsaError(
      'topic-replaced',
      `${where}: expected topic ${request.topic} to be ${request.topicId}, it is ${topic.id} now. Rebuild what was made from it.`,
    );
  }
  if (request.partition < topic.partitions) return;
  throw new SamsaError(
    'topic-unknown',
    `${where}: expected a partition of ${request.topic} below ${topic.partitions}, got ${request.partition}`,
  );
}

/** As `EventLog.describe`; `null` when there is no such topic. */
export async function describeIfThere(
  log: Pick<EventLog, 'describe'>,
  topic: string,
): Promise<TopicDescription | null> {
  try {
    return await log.describe(topic);
  } catch (error) {
    if (error instanceof SamsaError && error.code === 'topic-unknown') return null;
    throw error;
  }
}

/** @param path of the file that has no such topic. */
export function unknownTopic(path: string, name: string): SamsaError {
  return new SamsaError(
    'topic-unknown',
    `${path}: expected a topic that exists, got ${JSON.stringify(name)}. Check mq.topic and mq.topics.*.`,
  );
}
