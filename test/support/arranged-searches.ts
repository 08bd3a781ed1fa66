import assert from 'node:assert/strict';
import { bookSearchedRecord } from '../../src/events/book-searched.ts';
import { createEventSource } from '../../src/events/envelope.ts';
import type { NewRecord, StoredRecord } from '../../src/events/record.ts';
import { foldRecords } from '../../src/projection/fold-records.ts';
import { createTrendProjection } from '../../src/services/trend/trend-projection.ts';
import { openSqliteTrendStore } from '../../src/services/trend/store/sqlite/trend-store.ts';
import type { TrendStore } from '../../src/services/trend/store/trend-store.ts';

/** A search as a reader made it, and when it reached the log. */
export type Search = {
  readonly query: string;
  readonly reader: string | null;
  readonly weight: 0 | 1;
  readonly corrected: string | null;
  readonly title: string;
  readonly arrivedMs: number;
  readonly delayMs: number;
};

/** One order in which a set of searches may be counted. */
export type Arrangement = {
  readonly partitions: number;
  /** The partition of each search, and its place among those that arrived at the same time. */
  readonly places: readonly { readonly partition: number; readonly order: number }[];
  /** Searches that are appended to their partition a second time, this many records later. */
  readonly repeats: readonly { readonly search: number; readonly after: number }[];
  /** What is read, and how much at a time. What is left over is read at the end. */
  readonly batches: readonly { readonly partition: number; readonly size: number }[];
  /** After this many batches the two instances swap their partitions. */
  readonly handOverAfter: number;
};

type Instance = { readonly store: TrendStore; readonly name: string; readonly projection: typeof projection };

const topic = 'lr-book-searches';
const projection = createTrendProjection('trend-svr', { searches: topic });

/** Counts the searches into a new file, as two instances that share the partitions of one log. */
export async function countArrangement(
  path: string,
  searches: readonly Search[],
  arrangement: Arrangement,
): Promise<void> {
  const partitions = arrange(searches, arrangement);
  const open = (name: string): Instance => ({
    store: openSqliteTrendStore(path, { clock: () => 0, busyTimeoutMs: 1_000 }),
    name,
    projection: createTrendProjection('trend-svr', { searches: topic }),
  });
  const instances = [open('a'), open('b')];
  try {
    let owners = await share(instances, partitions);
    for (const [index, { partition, size }] of arrangement.batches.entries()) {
      if (index === arrangement.handOverAfter) owners = await share(instances.toReversed(), partitions);
      const at = partition % partitions.length;
      await countBatch(owners[at]!, at, partitions[at]!, size);
    }
    for (const [at, records] of partitions.entries()) {
      while (await countBatch(owners[at]!, at, records, 5));
    }
  } finally {
    for (const { store } of instances) await store.close();
  }
}

/** Partitions as a log holds them: in order of arrival, a repeat after its original. */
function arrange(searches: readonly Search[], { partitions, places, repeats }: Arrangement): StoredRecord[][] {
  const records = searches.map(recordOf);
  const partitionOf = (index: number): number => places[index]!.partition % partitions;
  const inOrder = [...searches.keys()].toSorted(
    (one, other) =>
      searches[one]!.arrivedMs - searches[other]!.arrivedMs || places[one]!.order - places[other]!.order || one - other,
  );
  return Array.from({ length: partitions }, (_, partition) => {
    const indexes = inOrder.filter((index) => partitionOf(index) === partition);
    for (const { search, after } of repeats) {
      if (partitionOf(search) === partition) indexes.splice(indexes.indexOf(search) + 1 + after, 0, search);
    }
    let timestamp = 0;
    return indexes.map((index, offset) => {
      // A repeat arrives no earlier than the record before it, and does not move the watermark.
      timestamp = Math.max(timestamp, searches[index]!.arrivedMs);
      return { ...records[index]!, partition, offset, timestamp };
    });
  });
}

/** Each search has a different source, so that producers may have sent them in any order. */
function recordOf({ query, reader, weight, corrected, title, arrivedMs, delayMs }: Search, index: number): NewRecord {
  const source = createEventSource(`shop-${index}`, () => arrivedMs - delayMs);
  return bookSearchedRecord(topic, source, {
    query,
    value: Buffer.from(JSON.stringify([{ id: title.length, title, author: 'A. Nonymous' }])),
    reader,
    weight,
    corrected,
    total: 1,
  });
}

/** The instance that asks first gets the first partitions. @returns which instance has each partition. */
async function share(instances: readonly Instance[], records: readonly (readonly StoredRecord[])[]) {
  const partitions = records.map(({ length }, partition) => ({
    topic,
    partition,
    topicId: 'id',
    start: 0,
    end: length,
  }));
  const owners: Instance[] = [];
  for (const { store, name } of instances) await store.release(projection.name, name);
  for (let round = 0; round < 2; round++) {
    for (const instance of instances) {
      const { store, name } = instance;
      const leased = await store.lease({
        projection: projection.name,
        version: 1,
        instance: name,
        ttlMs: 1,
        partitions,
      });
      for (const { partition } of leased) owners[partition] = instance;
    }
  }
  return owners;
}

/** Reads, folds and commits as a follower does. @returns false when there was nothing left. */
async function countBatch(
  { store, name, projection }: Instance,
  partition: number,
  log: readonly StoredRecord[],
  size: number,
) {
  const at = await store.load(projection.name, { topic, partition });
  const records = log.slice(at.next, at.next + size);
  if (records.length === 0) return false;
  const read = { records, next: at.next + records.length, skipped: [], start: 0, end: log.length };
  const folded = foldRecords(projection.reads[0]!, at, read);
  assert.ok(folded !== 'jump' && folded.last !== null);
  const committed = await store.commit({
    ...folded,
    topic,
    partition,
    projection: projection.name,
    instance: name,
    expected: at.next,
    end: log.length,
    ...folded.last,
  });
  assert.ok(committed, `${name} holds partition ${partition}`);
  return true;
}
