import type { StoredRecord } from '../../src/events/record.ts';
import type { EventLog } from '../../src/log/log.ts';

/** All records that a topic holds, partition by partition. */
export async function readWholeTopic(log: EventLog, topic: string): Promise<readonly StoredRecord[]> {
  const { id: topicId, partitions } = await log.describe(topic);
  const all: StoredRecord[] = [];
  for (const [partition, { start, end }] of partitions.entries()) {
    for (let from = start; from < end;) {
      const signal = new AbortController().signal;
      const read = await log.read({ topic, topicId, partition, from, maxBytes: 1 << 22, waitMs: 0, signal });
      all.push(...read.records);
      from = read.next;
    }
  }
  return all;
}
