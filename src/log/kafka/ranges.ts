import { setTimeout as delay } from 'node:timers/promises';
import { hasBrokerError, kafkaError } from './errors.ts';
import type { Fetched, KafkaFetcher } from './fetcher.ts';
import { fromBatches, type FetchedRecord } from './records.ts';
import type { KafkaTopic, KafkaTopics } from './topics.ts';
import type { OffsetRange, ReadRequest, ReadResult } from '../log.ts';
import { requirePartition } from '../topic-rules.ts';

/** The part of a partition that one answer held: everything from `from` up to `next`. */
export type Range = ReadResult & { readonly from: number; readonly records: readonly FetchedRecord[] };

/** Whether a reader needs it: it has records or a gap, or the log ends before `from`. */
export function hasNews({ records, from, next, end }: Range): boolean {
  return records.length > 0 || next > from || end < from;
}

export function covers(range: Range, offset: number): boolean {
  return range.from <= offset && offset < range.next;
}

/** As much of a range from an offset on as fits, but at least one record. */
export function cut({ records, next, skipped, start, end }: Range, { from, maxBytes }: ReadRequest): ReadResult {
  const taken: FetchedRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (record.offset < from) continue;
    bytes += record.bytes;
    if (bytes > maxBytes && taken.length > 0) {
      const upTo = record.offset;
      return { records: taken, next: upTo, skipped: clip(skipped, from, upTo), start, end };
    }
    taken.push(record);
  }
  return { records: taken, next, skipped: clip(skipped, from, next), start, end };
}

function clip(all: readonly OffsetRange[], from: number, next: number): readonly OffsetRange[] {
  if (all.length === 0) return all;
  return all
    .filter((range) => range.to > from && range.from < next)
    .map((range) => ({ from: Math.max(range.from, from), to: Math.min(range.to, next) }));
}

const attempts = 3;
const pauseMs = 100;

/**
 * Fetches from the node that leads the partition now.
 * @throws SamsaError as `EventLog.read`.
 */
export function createRangeFetch(
  topics: KafkaTopics,
  fetcher: KafkaFetcher,
  brokers: readonly string[],
): (request: ReadRequest) => Promise<Range> {
  const fetchFrom = async (request: ReadRequest, topic: KafkaTopic): Promise<Range> => {
    const { topicId, partition, from } = request;
    const leader = topic.leaders[partition]!;
    if (leader < 0) throw new Error(`partition ${partition} of ${request.topic} has no leader now`);
    try {
      return toRange(request, await fetcher.fetch(leader, { topicId, partition, from }));
    } catch (error) {
      if (!hasBrokerError(error, ['OFFSET_OUT_OF_RANGE'])) throw error;
      const { start, end } = (await topics.describe(request.topic)).partitions[partition]!;
      if (from > end) return { from, records: [], next: from, skipped: [], start, end };
      if (from >= start) throw error;
      return {
        ...toRange({ ...request, from: start }, await fetcher.fetch(leader, { topicId, partition, from: start })),
        from,
      };
    }
  };

  return async (request) => {
    let topic = await topics.find(request.topic);
    if (!isAsExpected(topic, request)) topic = await topics.find(request.topic, 'now');
    for (let attempt = 1; ; attempt++) {
      refuseUnexpected(brokers, topic, request);
      try {
        return await fetchFrom(request, topic);
      } catch (error) {
        // Another node may lead the partition by now, or the topic may be gone.
        topic = await topics.find(request.topic, 'now');
        refuseUnexpected(brokers, topic, request);
        if (attempt === attempts) throw kafkaError(brokers, error);
        await delay(attempt * pauseMs);
      }
    }
  };
}

/**
 * A new leader may not know yet how far its log is acknowledged. When it accepts an offset, the log reaches that far.
 */
function toRange(request: ReadRequest, { batches, aborted, start, end }: Fetched): Range {
  const { records, next, skipped } = fromBatches(request, batches, aborted);
  return { from: request.from, records, next, skipped, start, end: Math.max(end, next) };
}

function isAsExpected(topic: KafkaTopic, { topicId, partition }: ReadRequest): boolean {
  return topic.id === topicId && topic.leaders[partition] !== undefined;
}

function refuseUnexpected(brokers: readonly string[], { id, leaders }: KafkaTopic, request: ReadRequest): void {
  requirePartition(`Kafka at ${brokers.join(', ')}`, { id, partitions: leaders.length }, request);
}
