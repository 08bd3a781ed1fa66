import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Book } from '../../../events/book.ts';
import { dayMs } from '../../../runtime/time.ts';
import type { TasteChange, Verdict } from '../recommendation-projection.ts';
import type { RecommendationStore } from './recommendation-store.ts';

/** A fresh, empty store. */
type RecommendationStoreUnderTest = {
  readonly store: RecommendationStore;
  /** A second connection to the same store, as another process would have it. */
  readonly another: () => Promise<RecommendationStore>;
  readonly close: () => Promise<void>;
};

/** Day 1,000 after 1970: times in these tests are small numbers added to it. */
const base = 1_000 * dayMs;
const projection = 'taste';
const request = { projection, version: 1, ttlMs: 60_000 };
const partitions = [0, 1].map((partition) => ({ topic: 't', partition, topicId: 'id', start: 0, end: 0 }));

const liked = (bookId: number, strength: number, time: number, reader = 'ann'): TasteChange => {
  return { kind: 'liked', reader, bookId, strength, time: base + time };
};
const searched = (query: string, bookIds: readonly number[], time: number, tieBreak = 's/1'): TasteChange => {
  return { kind: 'searched', reader: 'ann', query, bookIds, time: base + time, tieBreak };
};
const judged = (
  bookId: number,
  verdict: Verdict,
  holds: boolean,
  time: number,
  { tieBreak = 's/1', reader = 'ann' } = {},
): TasteChange => ({ kind: 'judged', reader, bookId, verdict, holds, time: base + time, tieBreak });
const forgotten = (time: number, reader = 'ann'): TasteChange => ({ kind: 'forgotten', reader, time: base + time });
const book = (id: number, version: number, title: string | null): TasteChange => {
  const content: Book | null = title === null ? null : { id, title, author: 'Anonymous' };
  return { kind: 'book', change: { bookId: id, version, book: content } };
};

/** Commits what one read of a partition brought, as the holder of its lease. */
async function commit(
  store: RecommendationStore,
  changes: readonly TasteChange[],
  { arrivedMs = base, partition = 0, instance = 'one' } = {},
): Promise<boolean> {
  const { next } = await store.load(projection, { topic: 't', partition });
  return store.commit({
    topic: 't',
    partition,
    projection,
    instance,
    expected: next,
    next: next + 1,
    end: next + 1,
    arrivedMs,
    fingerprint: 'f',
    outcomes: { applied: 1, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 },
    changes: [changes],
    deadLetters: [],
    marks: new Map(),
  });
}

/** Every order of a few changes. */
function orders(changes: readonly TasteChange[]): readonly (readonly TasteChange[])[] {
  if (changes.length < 2) return [changes];
  return changes.flatMap((first, at) => orders(changes.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}

const likedOf = async (store: RecommendationStore, reader = 'ann') =>
  (await store.taste(reader)).liked.map(({ bookId, strength, time }) => [bookId, strength, time - base]);
const verdictsOf = async (store: RecommendationStore) =>
  (await store.taste('ann')).verdicts.map(({ bookId, verdict, time }) => [bookId, verdict, time - base]);
const wantedBy = async (store: RecommendationStore, reader: string) => (await store.taste(reader)).verdicts.length;
const searchesOf = async (store: RecommendationStore) =>
  (await store.taste('ann')).searches.map(({ query, bookIds, time }) => [query, bookIds, time - base]);
const titlesSince = async (store: RecommendationStore, changeNumber: number, limit = 100) =>
  (await store.booksSince(changeNumber, limit)).map(({ bookId, book: now }) => [bookId, now?.title ?? null]);

/** What every recommendation store promises beside its progress; run it once per technology. */
export function recommendationStoreContract(
  technology: string,
  openOne: () => Promise<RecommendationStoreUnderTest>,
): void {
  const test = (name: string, body: (opened: RecommendationStoreUnderTest) => Promise<void>): void => {
    it(name, async () => {
      const opened = await openOne();
      try {
        await opened.store.lease({ ...request, instance: 'one', partitions });
        await body(opened);
      } finally {
        await opened.close();
      }
    });
  };
  /** The same promise for every order in which the changes can arrive, each one coming twice. */
  const inEveryOrder = (
    name: string,
    changes: readonly TasteChange[],
    check: (store: RecommendationStore) => Promise<void>,
  ): void => {
    it(`${name}, in whatever order it comes`, async () => {
      for (const order of orders(changes)) {
        const { store, close } = await openOne();
        try {
          await store.lease({ ...request, instance: 'one', partitions });
          for (const change of order) await commit(store, [change, change]);
          await check(store);
        } finally {
          await close();
        }
      }
    });
  };

  describe(`what is known of readers in ${technology}`, () => {
    test('knows nothing of a reader who did nothing', async ({ store }) => {
      assert.deepEqual(await store.taste('ann'), { liked: [], searches: [], verdicts: [] });
    });

    inEveryOrder(
      'keeps the strongest signal of a reader for a book, and its last time',
      [liked(7, 2, 10), liked(7, 3, 20), liked(7, 2, 30), liked(7, 2, 99, 'bob')],
      async (store) => assert.deepEqual(await likedOf(store), [[7, 3, 30]]),
    );

    test('gives every liked book, latest first', async ({ store }) => {
      await commit(
        store,
        Array.from({ length: 150 }, (_, at) => liked(at + 1, 2, Math.floor(at / 2))),
      );
      const { liked: all } = await store.taste('ann');
      assert.equal(all.length, 150);
      assert.deepEqual(
        all.slice(0, 4).map(({ bookId }) => bookId),
        [149, 150, 147, 148],
      );
    });

    inEveryOrder(
      'keeps a query once, with its latest answer',
      [searched('emma', [1], 10), searched('emma', [2, 3], 20, 's/1'), searched('emma', [4], 20, 's/2')],
      async (store) => assert.deepEqual(await searchesOf(store), [['emma', [4], 20]]),
    );

    test('gives the last twenty searches, latest first', async ({ store }) => {
      await commit(
        store,
        Array.from({ length: 25 }, (_, at) => searched(`query ${at}`, [], at)),
      );
      const searches = await searchesOf(store);
      assert.deepEqual([searches.length, searches[0]?.[0], searches[19]?.[0]], [20, 'query 24', 'query 5']);
    });

    inEveryOrder(
      'lets the last word on a book stand, by time and then by source and sequence',
      [
        judged(7, 'wanted', true, 10),
        judged(7, 'wanted', false, 20, { tieBreak: 's/2' }),
        judged(7, 'wanted', true, 20, { tieBreak: 's/3' }),
        judged(8, 'dismissed', true, 10),
      ],
      async (store) =>
        assert.deepEqual(await verdictsOf(store), [
          [7, 'wanted', 20],
          [8, 'dismissed', 10],
        ]),
    );

    inEveryOrder(
      'tells no verdict that was taken back, and keeps wanting and dismissing apart',
      [judged(7, 'wanted', true, 10), judged(7, 'dismissed', true, 20), judged(7, 'dismissed', false, 30)],
      async (store) => assert.deepEqual(await verdictsOf(store), [[7, 'wanted', 10]]),
    );

    inEveryOrder(
      'forgets what a reader did up to the time they asked',
      [liked(7, 3, 10), forgotten(20), judged(8, 'dismissed', true, 20), searched('emma', [1], 15)],
      async (store) => assert.deepEqual(await store.taste('ann'), { liked: [], searches: [], verdicts: [] }),
    );

    inEveryOrder(
      'forgets exactly that and nothing of anybody else',
      [forgotten(20), liked(7, 3, 10), liked(7, 2, 21), liked(7, 3, 5, 'bob'), forgotten(15)],
      async (store) => {
        assert.deepEqual(await likedOf(store), [[7, 2, 21]]);
        assert.deepEqual(await likedOf(store, 'bob'), [[7, 3, 5]]);
      },
    );
  });

  describe(`readers in ${technology}`, () => {
    const since = async (store: RecommendationStore, changeNumber: number) =>
      (await store.readersSince(changeNumber, 9)).map(({ reader, liked: books }) => [reader, books.length]);

    test('come in the order in which what is known of them changed, each as it is now', async ({ store }) => {
      await commit(store, [liked(1, 2, 0), liked(1, 2, 0, 'bob'), searched('emma', [1], 0)]);
      const [ann, bob] = await store.readersSince(0, 9);
      assert.deepEqual([ann!.liked[0]?.bookId, bob!.liked[0]?.bookId], [1, 1]);
      assert.equal((await store.readersSince(0, 1)).length, 1);
      await commit(store, [judged(2, 'wanted', true, 5)]);
      await commit(store, [forgotten(9, 'bob')]);
      assert.deepEqual(await since(store, bob!.changeNumber), [
        [ann!.reader, 1],
        [bob!.reader, 0],
      ]);
      const [changed] = await store.readersSince(bob!.changeNumber, 9);
      assert.deepEqual(changed!.verdicts, [{ bookId: 2, verdict: 'wanted', time: base + 5 }]);
    });

    test('do not change by searching', async ({ store }) => {
      await commit(store, [searched('emma', [1], 0)]);
      assert.deepEqual(await since(store, 0), []);
    });

    test('change when what they did is older than their topic keeps it', async ({ store }) => {
      await commit(store, [liked(1, 2, 0)]);
      const last = (await store.readersSince(0, 9)).at(-1)!.changeNumber;
      await commit(store, [], { arrivedMs: base + 365 * dayMs });
      assert.deepEqual(
        (await since(store, last)).map(([, books]) => books),
        [0],
      );
    });
  });

  describe(`books in ${technology}`, () => {
    inEveryOrder(
      'keep their highest version',
      [book(1, 1, 'Emma'), book(1, 3, 'Emma, corrected'), book(1, 2, null), book(2, 4, null), book(2, 3, 'Persuasion')],
      async (store) =>
        assert.deepEqual(
          (await titlesSince(store, 0)).toSorted(([one], [other]) => Number(one) - Number(other)),
          [
            [1, 'Emma, corrected'],
            [2, null],
          ],
        ),
    );

    test('are given in the order of their changes, each as it is now', async ({ store }) => {
      await commit(store, [book(1, 1, 'Emma'), book(2, 1, 'Persuasion'), book(3, 1, 'Lady Susan')]);
      const [first, second] = await store.booksSince(0, 2);
      assert.deepEqual([first?.bookId, second?.bookId], [1, 2]);
      await commit(store, [book(1, 2, null), book(2, 1, 'too late')]);
      assert.deepEqual(await titlesSince(store, second?.changeNumber ?? 0), [
        [3, 'Lady Susan'],
        [1, null],
      ]);
      const last = (await store.booksSince(0, 100)).at(-1);
      assert.deepEqual(await titlesSince(store, last?.changeNumber ?? 0), []);
    });
  });

  describe(`a recommendation store in ${technology}`, () => {
    test('is shared by all who open it', async ({ store, another }) => {
      const other = await another();
      try {
        await other.lease({ ...request, instance: 'two', partitions });
        await store.lease({ ...request, instance: 'one', partitions });
        await other.lease({ ...request, instance: 'two', partitions });
        const elsewhere = { partition: 1, instance: 'two' };
        assert.equal(await commit(store, [liked(1, 2, 10), book(1, 1, 'Emma')]), true);
        assert.equal(await commit(other, [liked(1, 3, 5), book(2, 1, 'Persuasion')], elsewhere), true);
        assert.equal(await commit(store, [forgotten(7), book(1, 2, 'Emma, again')]), true);
        assert.equal(await commit(other, [liked(2, 3, 7)], elsewhere), true);
        for (const each of [store, other]) {
          assert.deepEqual(await likedOf(each), [[1, 2, 10]]);
          assert.deepEqual(await titlesSince(each, 0), [
            [2, 'Persuasion'],
            [1, 'Emma, again'],
          ]);
        }
      } finally {
        await other.close();
      }
    });

    test('keeps everything when it is opened again', async ({ store, another }) => {
      await commit(store, [
        liked(1, 2, 10),
        judged(2, 'wanted', true, 10),
        searched('emma', [1], 10),
        forgotten(20, 'bob'),
        book(1, 1, 'Emma'),
        book(2, 2, null),
      ]);
      const before = [await store.taste('ann'), await store.booksSince(0, 9), await store.positions(projection)];
      await store.close();
      const again = await another();
      try {
        assert.deepEqual(
          [await again.taste('ann'), await again.booksSince(0, 9), await again.positions(projection)],
          before,
        );
        await commit(again, [liked(1, 3, 19, 'bob'), book(2, 1, 'Persuasion')]);
        assert.deepEqual(await likedOf(again, 'bob'), []);
        assert.deepEqual(await titlesSince(again, 0), [
          [1, 'Emma'],
          [2, null],
        ]);
      } finally {
        await again.close();
      }
    });

    test('keeps no fact longer than its topic keeps the event', async ({ store }) => {
      const bob = { reader: 'bob' };
      await commit(store, [searched('emma', [1], 0), liked(1, 2, 0), judged(2, 'wanted', true, 0, bob)]);
      const after = (days: number) => commit(store, [], { arrivedMs: base + days * dayMs });
      await after(34);
      assert.equal((await searchesOf(store)).length, 1);
      await after(35);
      assert.equal((await searchesOf(store)).length, 0);
      await after(364);
      assert.deepEqual([(await likedOf(store)).length, await wantedBy(store, 'bob')], [1, 1]);
      await after(365);
      assert.deepEqual([(await likedOf(store)).length, await wantedBy(store, 'bob')], [0, 0]);
    });
  });
}
