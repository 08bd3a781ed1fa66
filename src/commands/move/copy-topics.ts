import { SamsaError } from '../../errors.ts';
import type { StoredRecord } from '../../events/record.ts';
import type { EventLog } from '../../log/log.ts';
import type { KafkaLog } from '../../log/kafka/log.ts';

export type TopicCopy = {
  readonly topic: string;
  readonly from: EventLog;
  readonly to: Pick<KafkaLog, 'describe' | 'read' | 'appendTo'>;
  readonly onCopied: (records: number) => void;
  readonly signal: AbortSignal;
};

/** The old offset of each record of a partition, by its new offset: ascending. */
export type OldOffsets = readonly number[];

/** The new offset of the first record whose old offset is this one or greater. */
export function newOffset(old: OldOffsets, offset: number): number {
  let [low, high] = [0, old.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (old[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

const readBytes = 256 << 10;

/**
 * Copies a topic, each partition in order of offset, with every record's arrival time. It may be killed and started
 * again: the last record that the target has is compared with the source, and copying continues after it.
 * @returns the old offsets of all records, by partition.
 * @throws SamsaError `bad-request` when the target holds other events or has another number of partitions.
 */
export async function copyTopic(copy: TopicCopy): Promise<readonly OldOffsets[]> {
  const { topic, from, to } = copy;
  const [source, target] = [await from.describe(topic), await to.describe(topic)];
  if (source.partitions.length !== target.partitions.length) {
    throw new SamsaError(
      'bad-request',
      `${topic}: expected ${source.partitions.length} partitions in Kafka as in the old log, found ` +
        `${target.partitions.length}. Repeats are known by their partition: delete the topic and create it with as many.`,
    );
  }
  const copied: OldOffsets[] = [];
  for (const partition of source.partitions.keys()) {
    const held = target.partitions[partition]!.end;
    copied.push(await copyPartition(copy, partition, { held, sourceId: source.id, targetId: target.id }));
  }
  return copied;
}

async function copyPartition(
  { topic, from, to, onCopied, signal }: TopicCopy,
  partition: number,
  { held, sourceId, targetId }: { readonly held: number; readonly sourceId: string; readonly targetId: string },
): Promise<OldOffsets> {
  const offsets: number[] = [];
  const ask = { topic, partition, maxBytes: readBytes, waitMs: 0, signal };
  let next = 0;
  for (;;) {
    const read = await from.read({ ...ask, topicId: sourceId, from: next });
    const missing: StoredRecord[] = [];
    for (const record of read.records) {
      const at = offsets.push(record.offset) - 1;
      if (at >= held) missing.push(record);
      else if (at === held - 1) {
        const last = await to.read({ ...ask, topicId: targetId, from: at, maxBytes: 1, waitMs: 5_000 });
        if (!isSame(record, last.records[0])) throw foreign(topic, partition);
      }
    }
    const batch = missing.map(({ key, value, headers, timestamp }) => {
      return { topic, key, value, headers: [...headers], arrivedMs: timestamp };
    });
    if (batch.length > 0) await to.appendTo(partition, batch);
    onCopied(read.records.length);
    next = read.next;
    if (next >= read.end) break;
  }
  if (offsets.length < held) throw foreign(topic, partition);
  return offsets;
}

function isSame(one: StoredRecord, other: StoredRecord | undefined): boolean {
  const bytes = (value: Uint8Array | null): string => (value === null ? '-' : Buffer.from(value).toString('base64'));
  const textOf = ({ key, value, timestamp, headers }: StoredRecord): string =>
    [timestamp, bytes(key), bytes(value), ...Array.from(headers, ([name, of]) => `${name}=${bytes(of)}`)].join(' ');
  return other !== undefined && textOf(one) === textOf(other);
}

function foreign(topic: string, partition: number): SamsaError {
  return new SamsaError(
    'bad-request',
    `${topic}/${partition}: expected an empty topic, or what an earlier move of this shop left; found other events. ` +
      'Delete the topic, or move to another cluster.',
  );
}
