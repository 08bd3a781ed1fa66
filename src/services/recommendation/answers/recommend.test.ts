import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Book } from '../../../events/book.ts';
import { createKnowledge, type Knowledge } from '../model/knowledge.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';
import { createRanking } from './rank.ts';
import { createRecommender, type Reason, type Recommended } from './recommend.ts';

const { opened, chosen, wanted } = strengths;
const nobody: Taste = { liked: [], searches: [], verdicts: [] };

/** A reader's taste; the first book or search is the latest. */
function tasteOf(parts: {
  readonly liked?: readonly (readonly [bookId: number, strength: number])[];
  readonly searches?: readonly (readonly [query: string, ...bookIds: number[]])[];
  readonly verdicts?: Taste['verdicts'];
}): Taste {
  const liked = (parts.liked ?? []).map(([bookId, strength], at) => ({ bookId, strength, time: 1_000 - at }));
  const searches = (parts.searches ?? []).map(([query, ...bookIds], at) => ({ query, bookIds, time: 1_000 - at }));
  return { liked, searches, verdicts: parts.verdicts ?? [] };
}

/** Books by their ids, and how many readers have each set of books. */
function knowledgeOf(
  books: Readonly<Record<number, Partial<Book>>>,
  readers: readonly (readonly [count: number, ...bookIds: number[]])[] = [],
): Knowledge {
  const knowledge = createKnowledge();
  const { model } = knowledge;
  knowledge.putBooks(
    Object.entries(books).map(([id, fields]) => {
      const book = { id: Number(id), title: `Book ${id}`, author: `Author ${id}`, ...fields };
      return { bookId: book.id, book };
    }),
  );
  for (const [at, [count, ...bookIds]] of readers.entries()) {
    for (let reader = 0; reader < count; reader++)
      model.counts.put(`${at}/${reader}`, bookIds.map(model.counts.numberOf));
  }
  model.solveAll();
  return knowledge;
}

const recommend = (knowledge: Knowledge, taste: Taste): readonly Recommended[] =>
  createRecommender(knowledge, () => 0)(taste);
const idsOf = (list: readonly Recommended[]): readonly number[] => list.map(({ bookId }) => bookId);
const byId = (list: readonly Recommended[], bookId: number) => list.find((one) => one.bookId === bookId);

describe('recommendations for a reader nobody knows', () => {
  it('show first what most readers have, then what is popular in the catalogue', () => {
    const shop = knowledgeOf({ 1: {}, 2: {}, 3: { popularity: 9 } }, [
      [4, 2],
      [3, 1],
    ]);
    const list = recommend(shop, nobody);
    assert.deepEqual(idsOf(list), [2, 1, 3]);
    assert.deepEqual(list[0]?.reasons, [{ kind: 'popular', text: '4 readers have it' }]);
    assert.deepEqual(list[2]?.reasons, [{ kind: 'popular', text: 'many readers have it' }]);
  });

  it('are empty in an empty shop', () => assert.deepEqual(recommend(knowledgeOf({}), nobody), []));
});

describe('recommendations from what other readers read', () => {
  const shop = knowledgeOf({ 1: {}, 2: {}, 3: {}, 4: {} }, [
    [9, 1, 2],
    [4, 1, 3],
    [2, 1, 4],
    [9, 4],
  ]);

  it('come first, most telling first, with the book they come from as the reason', () => {
    const list = recommend(shop, tasteOf({ liked: [[1, chosen]] }));
    assert.deepEqual(idsOf(list).slice(0, 2), [2, 3]);
    assert.equal(list[0]?.tier, 'read-together');
    assert.deepEqual(list[0]?.reasons, [{ kind: 'chosen', text: 'because you chose Book 1', book_id: 1 }]);
  });

  it('do not reveal what fewer than three readers have in common', () => {
    const four = byId(recommend(shop, tasteOf({ liked: [[1, wanted]] })), 4);
    assert.deepEqual(four?.reasons, [{ kind: 'popular', text: '11 readers have it' }]);
  });

  it('come before popular books only if a reason may be shown', () => {
    const books = Object.fromEntries(Array.from({ length: 14 }, (_, at) => [at + 1, {}]));
    const shared = Array.from({ length: 11 }, (_, at) => at + 2).flatMap(
      (id) =>
        [
          [1, 1, id],
          [2, id],
        ] as const,
    );
    const list = recommend(knowledgeOf(books, [...shared, [4, 13], [5, 14]]), tasteOf({ liked: [[1, chosen]] }));
    assert.deepEqual(idsOf(list).slice(0, 2), [14, 13]);
    assert.ok(list.every(({ tier }) => tier === 'popular'));
  });

  it('have three books by new authors, however many books say similar things about themselves', () => {
    const alike = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [at + 1, { author: `Author ${at % 20}` }]));
    const liked = Array.from({ length: 20 }, (_, at) => [20 - at, chosen] as const);
    const shop = knowledgeOf({ ...alike, 901: {}, 902: {}, 903: {} }, [
      [3, 1, 901],
      [3, 1, 902],
      [3, 1, 903],
      [400, 901, 902, 903],
    ]);
    const list = recommend(shop, tasteOf({ liked }));
    assert.deepEqual(
      idsOf(list)
        .filter((id) => id > 900)
        .toSorted((one, other) => one - other),
      [901, 902, 903],
    );
  });

  it('count wanting for more than choosing, and choosing for more than opening', () => {
    const even = knowledgeOf({ 1: {}, 2: {}, 3: {}, 11: {}, 12: {}, 13: {} }, [
      [5, 1, 11],
      [5, 2, 12],
      [5, 3, 13],
    ]);
    for (const strongest of [0, 1, 2]) {
      const liked = [0, 1, 2].map((at) => ({ bookId: at + 1, strength: [opened, wanted, chosen][at]!, time: 5 }));
      const list = recommend(even, { ...nobody, liked });
      assert.equal(idsOf(list)[strongest], [12, 13, 11][strongest]);
    }
  });
});

describe('the evidence for a work', () => {
  it('adds up to its score, also for works that a reader had at one time', () => {
    const knowledge = knowledgeOf({ 1: {}, 2: {}, 3: {}, 4: { title: 'Book 1 again' } }, [
      [5, 1, 2, 3],
      [4, 2, 3, 4],
      [3, 1, 4],
    ]);
    const liked = [1, 2].map((bookId) => ({ bookId, strength: chosen, time: 1_000 }));
    const { works, evidence } = createRanking(knowledge, 10)({ ...nobody, liked });
    assert.equal(works.length, 2);
    for (const one of works) {
      const sum = Array.from(evidence(one, 0), ({ weight }) => weight).reduce((all, weight) => all + weight, 0);
      assert.ok(Math.abs(sum - one.score) < 1e-12);
    }
  });

  it('comes from a cosine that works of one time share', () => {
    const knowledge = knowledgeOf({ 1: {}, 2: {}, 3: {} }, [[5, 1, 2, 3]]);
    const share = (times: readonly number[]): number => {
      const liked = times.map((time, at) => ({ bookId: at + 1, strength: wanted, time }));
      const { works, evidence } = createRanking(knowledge, 10)({ ...nobody, liked });
      const first = [...evidence(works[0]!, 1)].find(({ source }) => 'bookId' in source && source.bookId === 1)!;
      const { model } = knowledge;
      return first.weight - model.weightOf(model.counts.numberOf(1), model.counts.numberOf(3));
    };
    assert.ok(Math.abs(share([2_000, 1_000]) - 0.15) < 1e-12);
    assert.ok(Math.abs(share([1_000, 1_000]) - 0.15 / 4) < 1e-12);
  });
});

describe('recommendations from what books say about themselves', () => {
  const harbour = { subjects: ['Harbours'], author: 'Ada Quill' };
  const shop = knowledgeOf({
    1: harbour,
    2: harbour,
    3: { subjects: ['Harbours'] },
    4: { title: 'Gone Girl' },
    5: { title: 'Gone for Good' },
  });

  it('show books by the same author and on the same subjects', () => {
    const list = recommend(shop, tasteOf({ liked: [[1, opened]] }));
    assert.deepEqual(idsOf(list).slice(0, 2), [2, 3]);
    assert.deepEqual([list[0]?.tier, list[0]?.reasons[0]?.text], ['similar', 'because you opened Book 1']);
  });

  it('need more than one word of a title', () => {
    assert.equal(byId(recommend(shop, tasteOf({ liked: [[4, opened]] })), 5)?.tier, 'popular');
  });
});

describe('recommendations from searches', () => {
  it('give the search as the reason', () => {
    const shop = knowledgeOf({ 1: {}, 2: {} });
    const list = recommend(shop, tasteOf({ searches: [['emma', 2]] }));
    assert.equal(list[0]?.bookId, 2);
    const reason = { kind: 'searched', text: 'because you searched “emma”', query: 'emma' };
    assert.deepEqual([list[0].tier, list[0].reasons], ['searched', [reason]]);
  });
});

describe('a list of recommendations', () => {
  it('leaves out other editions of opened works, and shows the most popular edition in the language of the reader', () => {
    const shop = knowledgeOf({
      1: { title: 'Harbour', author: 'Ada Quill', language: 'en' },
      2: { title: 'Harbour: A Novel', author: 'Quill, Ada', language: 'en' },
      3: { title: 'Coast', author: 'Ben Rook', language: 'de', popularity: 9 },
      4: { title: 'Coast', author: 'Ben Rook', language: 'en', popularity: 1 },
      5: { title: 'Coast', author: 'Ben Rook', language: 'en', popularity: 5 },
    });
    assert.deepEqual(idsOf(recommend(shop, tasteOf({ liked: [[1, opened]] }))), [5]);
    assert.deepEqual(idsOf(recommend(shop, nobody)).length, 2);
  });

  it('shows only the next volume of a series', () => {
    const books = Object.fromEntries(
      [1, 2, 3, 4].map((number) => [number, { series: `Coast #${number}`, author: 'A B' }]),
    );
    const shop = knowledgeOf(books);
    assert.deepEqual(idsOf(recommend(shop, tasteOf({ liked: [[2, opened]] }))), [3]);
    assert.deepEqual(idsOf(recommend(shop, nobody)), [1]);
  });

  const bookId = fc.integer({ min: 1, max: 20 });
  const time = fc.integer({ min: 0, max: 20 });
  const tastes: fc.Arbitrary<Taste> = fc.record({
    liked: fc.uniqueArray(fc.record({ bookId, strength: fc.constantFrom(opened, chosen), time }), {
      maxLength: 8,
      selector: (one) => one.bookId,
    }),
    searches: fc.array(fc.record({ query: fc.string(), bookIds: fc.uniqueArray(bookId), time }), { maxLength: 4 }),
    verdicts: fc.array(fc.record({ bookId, verdict: fc.constantFrom('wanted', 'dismissed'), time }), { maxLength: 8 }),
  });
  const author = fc.constantFrom('Ann A', 'Bob B', 'Cas C', 'Ann A & Dot D', 'B, Bob', '');
  const shops = fc.tuple(
    fc.array(fc.record({ author, title: fc.constantFrom('Winter', 'Castle', 'Coast') }), {
      minLength: 20,
      maxLength: 20,
    }),
    fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), bookId, bookId, bookId), { maxLength: 8 }),
  );

  /** Whether the reader did what a reason says, and at least three readers have both books or the books are alike. */
  function isTrue({ bookId: id }: Recommended, reason: Reason, { model, shopBooks }: Knowledge, taste: Taste): boolean {
    const { counts } = model;
    const workOf = (book: number): number => counts.workOf(counts.numberOf(book));
    const readers = counts.readersOf(workOf(id));
    const editions = shopBooks.editionsOf(counts.numberOf(id));
    if (reason.kind === 'popular') return reason.text === `${readers >= 3 ? readers : 'many'} readers have it`;
    if (reason.kind === 'searched') return taste.searches.some(({ query }) => query === reason.query);
    const source = reason.book_id!;
    const did = [...taste.liked, ...taste.verdicts.filter(({ verdict }) => verdict === 'wanted')];
    const isNear = shopBooks.neighbours(counts.numberOf(source)).numbers.some((near) => editions.includes(near));
    return did.some((one) => one.bookId === source) && (isNear || counts.pairs.get(workOf(source), workOf(id)) >= 3);
  }

  it('is the same for equal tastes, leaves out settled works, and gives only true reasons', () => {
    fc.assert(
      fc.property(tastes, shops, (taste, [books, readers]) => {
        const shop = knowledgeOf(Object.fromEntries(books.map((book, at) => [at + 1, book])), readers);
        const list = recommend(shop, taste);
        assert.deepEqual(recommend(shop, taste), list);
        const { counts } = shop.model;
        const workOf = (id: number): number => counts.workOf(counts.numberOf(id));
        const settled = new Set([...taste.liked, ...taste.verdicts].map((one) => workOf(one.bookId)));
        const works = idsOf(list).map(workOf);
        assert.equal(new Set(works).size, works.length);
        assert.ok(works.every((work) => !settled.has(work)) && works.length <= 10);
        assert.ok(list.every(({ score }) => score > 0 && score <= 1));
        assert.ok(list.every(({ reasons }) => reasons.length > 0 && reasons.length <= 3));
        for (const one of list)
          for (const reason of one.reasons) assert.ok(isTrue(one, reason, shop, taste), reason.text);
      }),
      { numRuns: 200 },
    );
  });
});
