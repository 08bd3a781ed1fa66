import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bookChangedRecord } from '../../../events/book-changed.ts';
import { bookSearchedRecord, sharedReader } from '../../../events/book-searched.ts';
import { createEventSource, type EventSource } from '../../../events/envelope.ts';
import { readerActionNames, readerActionRecord } from '../../../events/reader-action.ts';
import type { NewRecord } from '../../../events/record.ts';
import { defaultTopicNames as topics, topicRetention } from '../../../events/topics.ts';
import { commitLayout, type PartitionContent, type Turn } from '../../../../test/support/commit-layout.ts';
import { dayMs } from '../../../runtime/time.ts';
import { createRecommendationProjection } from '../recommendation-projection.ts';
import type { RecommendationStore } from './recommendation-store.ts';

/** A record before it has a place, with the arrival stamp the log gave it. */
type Arrived = NewRecord & { readonly arrivedMs: number; readonly source: number; readonly sequence: number };

/** Where the records stand and how they are read. */
type Layout = {
  readonly partitions: number;
  readonly instances: number;
  /** Sorts the records; also says which partition each is in, and which ones come twice. */
  readonly dice: readonly number[];
  readonly turns: readonly Turn[];
};

const base = 20_000 * dayMs;
const projection = createRecommendationProjection('taste', topics);
const allTopics = [topics.searches, topics.actions, topics.changes];
const shared = sharedReader('AAAAAAAAAAAAAAAAAAAAAA');
const reader = fc.constantFrom('ann', 'bob', 'cas', shared);
const bookId = fc.integer({ min: 1, max: 4 });

const happened = fc.oneof(
  fc.record({ kind: fc.constant('searched' as const), reader, query: fc.constantFrom('a', 'b'), bookId }),
  fc.record({ kind: fc.constant('acted' as const), reader, action: fc.constantFrom(...readerActionNames), bookId }),
  fc.record({ kind: fc.constant('changed' as const), bookId, version: fc.integer({ min: 1, max: 5 }) }),
);

/** Events of three sources, numbered in the order they arrived; `delayMs` below 0 is a clock ahead of the log's. */
function eventsWithin(times: fc.Arbitrary<number>, delays: fc.Arbitrary<number>): fc.Arbitrary<readonly Arrived[]> {
  const event = fc.record({ what: happened, timeMs: times, delayMs: delays, source: fc.integer({ min: 0, max: 2 }) });
  return fc.array(event, { minLength: 1, maxLength: 40, size: 'max' }).map((events) =>
    events
      .map((one) => ({ ...one, arrivedMs: base + one.timeMs + one.delayMs }))
      .sort((one, other) => one.arrivedMs - other.arrivedMs)
      .map(({ what, timeMs, arrivedMs, source }, at) => {
        const sequence = at + 1;
        const numbered: EventSource = {
          next: (type, extensions) => {
            return { id: `${at}`, source: `/samsa/${source}`, sequence, type, time: base + timeMs, extensions };
          },
        };
        return { ...recordOf(what, numbered), arrivedMs, source, sequence };
      }),
  );
}

function recordOf(
  what: typeof happened extends fc.Arbitrary<infer What> ? What : never,
  source: EventSource,
): NewRecord {
  switch (what.kind) {
    case 'searched': {
      const value = Buffer.from(JSON.stringify([{ id: what.bookId, title: 'x', author: 'y' }]));
      const context = { reader: what.reader, weight: 1, corrected: null, total: 1 } as const;
      return bookSearchedRecord(topics.searches, source, { query: what.query, value, ...context });
    }
    case 'acted': {
      const book = what.action === 'forgotten' ? {} : { book_id: what.bookId };
      return readerActionRecord(topics.actions, source, what.reader, { action: what.action, ...book });
    }
    case 'changed': {
      const { bookId: id, version } = what;
      const book = version % 3 === 0 ? null : { id, title: `Version ${version}`, author: 'y' };
      return bookChangedRecord(topics.changes, source, { bookId: id, version, book });
    }
  }
}

const layouts: fc.Arbitrary<Layout> = fc.record({
  partitions: fc.integer({ min: 1, max: 4 }),
  instances: fc.constantFrom(1, 2),
  dice: fc.array(fc.nat(), { minLength: 7, maxLength: 60, size: 'max' }),
  turns: fc.array(fc.record({ place: fc.nat(20), records: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 1,
    maxLength: 20,
  }),
});

const inOneGo: Layout = { partitions: 1, instances: 1, dice: [], turns: [{ place: 0, records: 1_000 }] };

/** In any order, some of them twice or in two partitions; only what one source sent to one partition stays in order. */
function shuffled(events: readonly Arrived[], layout: Layout): readonly PartitionContent[] {
  const { dice } = layout;
  const again = events.filter((_, at) => dice[(at * 5) % dice.length]! % 4 === 0);
  const order = [...events, ...again].map((event, at) => ({ event, rank: dice[(at * 3) % dice.length]! % 997 }));
  const records = order.toSorted((one, other) => one.rank - other.rank).map(({ event }) => event);
  return placed(records, layout, (one, other) => (one.source === other.source ? one.sequence - other.sequence : 0));
}

/** In the order of arrival, as a log keeps them. */
function byArrival(events: readonly Arrived[], layout: Layout): readonly PartitionContent[] {
  return placed(events, layout, (one, other) => one.sequence - other.sequence);
}

function placed(
  events: readonly Arrived[],
  { partitions, dice }: Layout,
  order: (one: Arrived, other: Arrived) => number,
): readonly PartitionContent[] {
  const throwOf = (at: number): number => dice[at % dice.length] ?? 0;
  return allTopics.flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => {
      const here = events.filter((event, at) => event.topic === topic && throwOf(at) % partitions === partition);
      const records = insertionSorted(here, order).map((event, offset) => {
        return { ...event, partition, offset, timestamp: event.arrivedMs };
      });
      return { topic, partition, start: 0, records };
    }),
  );
}

/** Leaves records alone between which `order` is undecided, also where it is no total order. */
function insertionSorted(
  events: readonly Arrived[],
  order: (one: Arrived, other: Arrived) => number,
): readonly Arrived[] {
  const sorted: Arrived[] = [];
  for (const event of events) {
    const later = sorted.findIndex((other) => order(event, other) < 0);
    sorted.splice(later === -1 ? sorted.length : later, 0, event);
  }
  return sorted;
}

/** An empty state, and all it holds as text: equal states give equal texts. */
export type TasteStateUnderTest = {
  readonly open: () => Promise<RecommendationStore>;
  readonly state: () => Promise<string>;
  readonly remove: () => Promise<void>;
};

/** Checks that what is kept depends only on the set of events. Run it once for each technology. */
export function tasteIsOrderFree(
  technology: string,
  { runs }: { readonly runs: number },
  openOne: () => Promise<TasteStateUnderTest>,
): void {
  const stateOf = (contents: readonly PartitionContent[], layout: Layout) => readInto(openOne, contents, layout);

  describe(`the taste of readers in ${technology}`, () => {
    it('does not depend on order, partitions, batches, instances or repeats of its events', async () => {
      const seconds = fc.integer({ min: 0, max: 9 }).map((second) => second * 1_000);
      const delays = fc.integer({ min: -2_000, max: 5_000 });
      await fc.assert(
        fc.asyncProperty(eventsWithin(seconds, delays), layouts, async (events, layout) => {
          const expected = await stateOf(byArrival(events, inOneGo), inOneGo);
          assert.equal(await stateOf(shuffled(events, layout), layout), expected);
        }),
        { numRuns: runs },
      );
    });

    it('keeps no search of a shared reader, and counts its event once', async () => {
      const { open, state, remove } = await openOne();
      const store = await open();
      try {
        const empty = await state();
        const source = createEventSource('shop', () => base);
        const record = recordOf({ kind: 'searched', reader: shared, query: 'a', bookId: 1 }, source);
        const records = [0, 1].map((offset) => ({ ...record, partition: 0, offset, timestamp: base }));
        const content = { topic: topics.searches, partition: 0, start: 0, records };
        await commitLayout(projection, [store], [content], inOneGo.turns);
        assert.equal(await state(), empty);
        const [position] = await store.positions(projection.name);
        assert.deepEqual([position?.outcomes.applied, position?.outcomes.duplicate], [1, 1]);
      } finally {
        await store.close();
        await remove();
      }
    });

    it('equals after years a state rebuilt from what the topics still keep', async () => {
      const days = fc.integer({ min: 0, max: 800 }).map((day) => day * (dayMs / 2));
      const delays = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8 * dayMs }));
      await fc.assert(
        fc.asyncProperty(eventsWithin(days, delays), layouts, layouts, async (events, layout, other) => {
          const expected = await stateOf(byArrival(events, inOneGo), inOneGo);
          assert.equal(await stateOf(byArrival(events, layout), layout), expected);
          assert.equal(await stateOf(expired(byArrival(events, other)), other), expected);
        }),
        { numRuns: Math.ceil((runs * 2) / 3) },
      );
    });
  });
}

/** Without what the topics no longer keep when the last record arrives. */
function expired(contents: readonly PartitionContent[]): readonly PartitionContent[] {
  const nowMs = Math.max(...contents.flatMap(({ records }) => records.map(({ timestamp }) => timestamp)));
  const retentionOf = new Map(
    (['searches', 'actions', 'changes'] as const).map((name) => [topics[name], topicRetention[name].retentionMs]),
  );
  return contents.map((content) => {
    const retentionMs = retentionOf.get(content.topic) ?? 0;
    if (retentionMs === 0) return content;
    const gone = content.records.filter(({ timestamp }) => timestamp < nowMs - retentionMs).length;
    return { ...content, start: gone, records: content.records.slice(gone) };
  });
}

/** Both databases hold the same after the same events, however they were read; needs both. */
export function tasteIsAlike(
  { runs }: { readonly runs: number },
  openOne: () => Promise<TasteStateUnderTest>,
  openOther: () => Promise<TasteStateUnderTest>,
): void {
  describe('the taste of readers in two databases', () => {
    it('is the same, to the byte, after the same events', async () => {
      const days = fc.integer({ min: 0, max: 800 }).map((day) => day * (dayMs / 2));
      const delays = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8 * dayMs }));
      await fc.assert(
        fc.asyncProperty(eventsWithin(days, delays), layouts, layouts, async (events, layout, other) => {
          const here = await readInto(openOne, byArrival(events, layout), layout);
          assert.equal(await readInto(openOther, byArrival(events, other), other), here);
        }),
        { numRuns: runs },
      );
    });
  });
}

/** Reads everything into an empty state, as running instances would. @returns all it holds then. */
async function readInto(
  openOne: () => Promise<TasteStateUnderTest>,
  contents: readonly PartitionContent[],
  layout: Layout,
): Promise<string> {
  const { open, state, remove } = await openOne();
  const stores: RecommendationStore[] = [];
  try {
    for (let instance = 0; instance < layout.instances; instance++) stores.push(await open());
    await commitLayout(projection, stores, contents, layout.turns);
    return await state();
  } finally {
    for (const store of stores) await store.close();
    await remove();
  }
}
