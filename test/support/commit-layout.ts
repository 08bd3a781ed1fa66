import assert from 'node:assert/strict';
import type { Progress } from '../../src/progress/progress.ts';
import type { StoredRecord } from '../../src/events/record.ts';
import { foldRecords } from '../../src/projection/fold-records.ts';
import type { Projection } from '../../src/projection/projection.ts';

/** What a partition holds, from offset 0 on; those below `start` have expired. */
export type PartitionContent = {
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly records: readonly StoredRecord[];
};

/** Which partition is read next, by its place in the list, and how many records at most. */
export type Turn = { readonly place: number; readonly records: number };

const ttlMs = 1_000;
const topicId = 'id';

/**
 * Folds and commits whole partitions as running instances would, but read by read in the order of `turns`, which is
 * repeated until everything is read. Every partition is read by the instance that leases it.
 */
export async function commitLayout<Change>(
  projection: Projection<Change>,
  instances: readonly Progress<Change>[],
  contents: readonly PartitionContent[],
  turns: readonly Turn[],
): Promise<void> {
  const unread = new Set(contents);
  const owners = await shareOut(projection, instances, contents);
  for (let turn = 0; unread.size > 0; turn++) {
    const { place, records } = turns[turn % turns.length] ?? { place: 0, records: 1 };
    const content = [...unread][place % unread.size]!;
    const owner = owners.get(content)!;
    if (await readOnce(projection, owner, content, records)) unread.delete(content);
  }
}

type Owner<Change> = { readonly progress: Progress<Change>; readonly instance: string };

async function shareOut<Change>(
  projection: Projection<Change>,
  instances: readonly Progress<Change>[],
  contents: readonly PartitionContent[],
): Promise<ReadonlyMap<PartitionContent, Owner<Change>>> {
  const partitions = contents.map(({ topic, partition, start, records }) => {
    return { topic, partition, topicId, start, end: start + records.length };
  });
  const owners = new Map<PartitionContent, Owner<Change>>();
  // Twice: the first instance has all partitions until it has seen the others.
  for (const _ of ['claim', 'share']) {
    for (const [number, progress] of instances.entries()) {
      const instance = `instance ${number}`;
      const request = { projection: projection.name, version: projection.version, instance, ttlMs, partitions };
      for (const { topic, partition } of await progress.lease(request)) {
        const content = contents.find((one) => one.topic === topic && one.partition === partition)!;
        owners.set(content, { progress, instance });
      }
    }
  }
  return owners;
}

/** @returns true when the partition has been read to its end. */
async function readOnce<Change>(
  projection: Projection<Change>,
  { progress, instance }: Owner<Change>,
  { topic, partition, start, records }: PartitionContent,
  most: number,
): Promise<boolean> {
  const input = projection.reads.find((one) => one.topic === topic)!;
  const soFar = await progress.load(projection.name, { topic, partition });
  const end = start + records.length;
  const read = records.slice(soFar.next - start).slice(0, most);
  const folded = foldRecords(input, soFar, { records: read, next: soFar.next + read.length, skipped: [], start, end });
  assert.notEqual(folded, 'jump');
  if (folded === 'jump' || read.length === 0) return true;
  const { last, ...rest } = folded;
  const committed = await progress.commit({
    ...rest,
    topic,
    partition,
    projection: projection.name,
    instance,
    expected: soFar.next,
    end,
    arrivedMs: last?.arrivedMs ?? soFar.arrivedMs,
    fingerprint: last?.fingerprint ?? null,
  });
  assert.equal(committed, true, `${instance} commits ${topic}/${partition}`);
  return folded.next === end;
}
