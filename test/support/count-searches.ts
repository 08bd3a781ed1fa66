import assert from 'node:assert/strict';
import { countingKey } from '../../src/text/words.ts';
import {
  placeBit,
  readerNumber,
  type CountedSearch,
  type TrendChange,
} from '../../src/services/trend/trend-projection.ts';
import type { TrendStore } from '../../src/services/trend/store/trend-store.ts';
import { hourMs } from '../../src/runtime/time.ts';

const nothing = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };

/** The time of all trend tests: half past twelve, far from the end of an hour or a day. */
export const noonMs = Date.parse('2026-03-10T12:30:00Z');
export const noonHour = Math.floor(noonMs / hourMs);

/** Commits searches to one partition. */
export type Counting = (
  searches: readonly TrendChange[],
  /** When the last of them arrived, and how many records after it are still unread. */
  at?: { readonly arrivedMs?: number; readonly unread?: number },
) => Promise<boolean>;

/** A search by a reader; `fields` override its defaults. */
export function searchOf(
  query: string,
  reader: string | null,
  fields: { readonly time?: number; readonly books?: unknown; readonly corrected?: string } & {
    readonly place?: number;
    readonly anonymous?: boolean;
  } = {},
): CountedSearch {
  const time = fields.time ?? noonMs;
  const books = fields.books ?? [];
  const [first] = books as readonly { readonly id?: number }[];
  const number = reader === null ? null : readerNumber(reader);
  return {
    kind: 'search',
    queryKey: countingKey(query),
    label: query,
    hour: Math.floor(time / hourMs),
    reader: number,
    anonymous: fields.anonymous ?? false,
    place: placeBit(fields.place ?? null, number),
    time,
    corrected: fields.corrected ?? null,
    books: Buffer.from(JSON.stringify(books)),
    lead: first === undefined ? null : (first.id ?? 0),
    unanswered: first === undefined,
  };
}

/** For several stores on one state: a way to count in each, with one partition leased to each. */
export async function countIn(...stores: readonly TrendStore[]): Promise<readonly Counting[]> {
  const partitions = stores.map((_, partition) => ({ topic: 't', partition, topicId: 'id', start: 0, end: 0 }));
  const lease = (store: TrendStore) =>
    store.lease({
      projection: 'trend-svr',
      version: 1,
      instance: `instance ${stores.indexOf(store)}`,
      ttlMs: 60_000,
      partitions,
    });
  // The first one leases all partitions until it has seen the others.
  for (const store of stores) await lease(store);
  const counting: Counting[] = [];
  for (const store of stores) {
    const [partition, ...more] = await lease(store);
    assert.ok(partition !== undefined && more.length === 0, 'every store has one partition');
    counting.push(await countInPartition(store, `instance ${stores.indexOf(store)}`, partition.partition));
  }
  return counting;
}

/** A way to count in a partition that is leased to this instance. */
export async function countInPartition(store: TrendStore, instance: string, partition: number): Promise<Counting> {
  let { next: expected } = await store.load('trend-svr', { topic: 't', partition });
  return async (searches, { arrivedMs = noonMs, unread = 0 } = {}) => {
    const next = expected + Math.max(1, searches.length);
    const committed = await store.commit({
      topic: 't',
      partition,
      projection: 'trend-svr',
      instance,
      expected,
      next,
      end: next + unread,
      arrivedMs,
      fingerprint: 'f',
      outcomes: { ...nothing, applied: searches.length, late: next - expected - searches.length },
      changes: searches,
      deadLetters: [],
      marks: new Map(),
    });
    if (committed) expected = next;
    return committed;
  };
}
