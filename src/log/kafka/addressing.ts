import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import type { Addressed, Failure, Publisher } from './publisher.ts';
import { recordBytes } from './records.ts';
import type { KafkaTopics } from './topics.ts';
import { partitionOf } from '../partition.ts';

/** Brokers take no more than about 1 MB unless told so. */
const mostRecordBytes = 900_000;

/** Decides partitions; records without a key go round them. @throws SamsaError `bad-event` where one is too large. */
export function createAddressing(
  topics: KafkaTopics,
): (records: readonly NewRecord[]) => Promise<readonly Addressed[]> {
  let turn = 0;
  return async (records) => {
    const counts = new Map<string, number>();
    for (const { topic } of records) {
      if (!counts.has(topic)) counts.set(topic, (await topics.find(topic)).leaders.length);
    }
    return records.map((record) => {
      const partitions = counts.get(record.topic)!;
      const bytes = recordBytes(record);
      if (bytes > mostRecordBytes) throw tooLarge(record.topic, bytes);
      return {
        record,
        bytes,
        partition: record.key === null ? turn++ % partitions : partitionOf(record.key, partitions),
      };
    });
  };
}

/** Records that are too large fail by themselves, and the others are published. */
export async function publishFitting(
  publisher: Publisher,
  partition: number,
  records: readonly NewRecord[],
): Promise<readonly Failure[]> {
  const addressed = records.map((record) => ({ record, partition, bytes: recordBytes(record) }));
  const fitting = addressed.filter(({ bytes }) => bytes <= mostRecordBytes);
  const answers = fitting.length === 0 ? [] : [...(await publisher.publish(fitting))];
  return addressed.map(({ record: { topic }, bytes }) =>
    bytes > mostRecordBytes ? { error: tooLarge(topic, bytes) } : answers.shift()!,
  );
}

function tooLarge(topic: string, bytes: number): SamsaError {
  return new SamsaError(
    'bad-event',
    `expected a record for ${topic} of at most ${mostRecordBytes} bytes, got ${bytes}. Make it smaller.`,
  );
}
