import { join } from 'node:path';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import type { Book } from '../../src/events/book.ts';
import { readerActionRecord } from '../../src/events/reader-action.ts';
import { defaultTopicNames as topics } from '../../src/events/topics.ts';
import { foldRecords } from '../../src/projection/fold-records.ts';
import { createRanking } from '../../src/services/recommendation/answers/rank.ts';
import { createRecommender, type Recommended } from '../../src/services/recommendation/answers/recommend.ts';
import { createKnowledge, followReaders } from '../../src/services/recommendation/model/knowledge.ts';
import { createRecommendationProjection } from '../../src/services/recommendation/recommendation-projection.ts';
import type { Taste } from '../../src/services/recommendation/store/recommendation-store.ts';
import { openSqliteRecommendationStore } from '../../src/services/recommendation/store/sqlite/recommendation-store.ts';

/** That a user liked an item; ms since 1970. */
export type Liking = { readonly user: string; readonly item: number; readonly timeMs: number };

/** The service's projection, state and model, without its log and its books. */
export type Learner = {
  /** Events in one commit. */
  readonly learn: (likings: readonly Liking[]) => Promise<void>;
  /** Takes what was learnt into the model. */
  readonly follow: () => Promise<void>;
  readonly solveChanged: () => void;
  readonly solveAll: () => void;
  /** The best unseen items of a user, best first. */
  readonly rank: (user: string) => Promise<readonly number[]>;
  readonly taste: (user: string) => Promise<Taste>;
  /** The list that is shown to a user with this taste. */
  readonly recommend: (taste: Taste) => readonly Recommended[];
  /** Whether an edition of the other item says similar things about itself. */
  readonly isNear: (item: number, other: number) => boolean;
  /** The first edition of an item's work. */
  readonly workOf: (item: number) => number;
  readonly close: () => Promise<void>;
};

const projection = createRecommendationProjection('evaluation', topics);
const input = projection.reads.find(({ topic }) => topic === topics.actions)!;
const place = { topic: topics.actions, partition: 0 };
const instance = 'evaluation';
const ranked = 100;

/** @param books of the shop; none unless given. */
export async function openLearner(books: readonly Book[] = []): Promise<Learner> {
  const folder = makeTemporaryFolder();
  let nowMs = 0;
  const clock = (): number => nowMs;
  const store = openSqliteRecommendationStore(join(folder, 'state.sqlite'), { clock, busyTimeoutMs: 1_000 });
  await store.lease({
    projection: projection.name,
    version: projection.version,
    instance,
    ttlMs: 1e15,
    partitions: [{ ...place, topicId: 'id', start: 0, end: 0 }],
  });
  const soFar = await store.load(projection.name, place);
  const knowledge = createKnowledge();
  knowledge.putBooks(books.map((book) => ({ bookId: book.id, book })));
  const { model, shopBooks } = knowledge;
  const { counts } = model;
  const rank = createRanking(knowledge, ranked);
  const recommend = createRecommender(knowledge, clock);
  let next = 0;
  const source = {
    next: (type: string, extensions: Readonly<Record<string, string>>) => {
      return { id: `${next}`, source: '/evaluation', sequence: next + 1, type, time: nowMs, extensions };
    },
  };
  return {
    learn: async (likings) => {
      const expected = next;
      const records = likings.map(({ user, item, timeMs }) => {
        nowMs = timeMs;
        const record = readerActionRecord(topics.actions, source, user, { action: 'chosen', book_id: item + 1 });
        return { ...record, partition: 0, offset: next++, timestamp: timeMs };
      });
      const read = { records, next, skipped: [], start: 0, end: next };
      const folded = foldRecords(input, { ...soFar, next: expected, marks: new Map() }, read);
      if (folded === 'jump') throw new Error('expected events without a gap');
      const arrivedMs = folded.last?.arrivedMs ?? 0;
      const fingerprint = folded.last?.fingerprint ?? null;
      const commit = { ...folded, ...place, projection: projection.name, instance, expected, end: next };
      if (!(await store.commit({ ...commit, arrivedMs, fingerprint })))
        throw new Error('expected to hold the partition');
    },
    follow: followReaders(store, knowledge.putReaders),
    solveChanged: () => void model.solveChanged(Number.POSITIVE_INFINITY, () => 0),
    solveAll: model.solveAll,
    taste: store.taste,
    recommend,
    isNear: (item, other) => {
      const editions = shopBooks.editionsOf(counts.numberOf(other + 1));
      return shopBooks.neighbours(counts.numberOf(item + 1)).numbers.some((near) => editions.includes(near));
    },
    workOf: (item) => counts.bookIdOf(counts.workOf(counts.numberOf(item + 1))) - 1,
    rank: async (user) =>
      rank(await store.taste(user))
        .works.slice(0, ranked)
        .map(({ work }) => counts.bookIdOf(work) - 1),
    close: store.close,
  };
}
