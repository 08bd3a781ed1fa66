import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { authorKeys } from '../../../text/authors.ts';
import { createContentIndex } from '../model/content-neighbours.ts';
import { recommend, type Recommended, type Shelf } from './recommend.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';

const nobody: Taste = { liked: [], met: [], searches: [], verdicts: [] };
const { opened, chosen, wanted } = strengths;

/** A reader's taste from its parts; the first book or search is the latest. */
function tasteOf(parts: {
  readonly liked?: readonly (readonly [bookId: number, strength: number])[];
  readonly searches?: readonly (readonly [query: string, ...bookIds: number[]])[];
  readonly verdicts?: Taste['verdicts'];
}): Taste {
  const liked = (parts.liked ?? []).map(([bookId, strength], at) => ({ bookId, strength, time: 1_000 - at }));
  const searches = (parts.searches ?? []).map(([query, ...bookIds], at) => ({ query, bookIds, time: 1_000 - at }));
  return { liked, searches, met: liked.map(({ bookId }) => bookId), verdicts: parts.verdicts ?? [] };
}

/** Books named by their ids, each by its own author unless told otherwise; those near each other, best first. */
function shelfOf(
  near: Readonly<Record<number, readonly (readonly [bookId: number, similarity: number])[]>>,
  { popular = [], authors = {} }: { popular?: readonly number[]; authors?: Readonly<Record<number, string>> } = {},
): Shelf {
  return {
    neighbours: (bookId, limit) =>
      (near[bookId] ?? []).slice(0, limit).map(([other, similarity]) => ({ bookId: other, similarity })),
    titleOf: (bookId) => ({ title: `Book ${bookId}`, author: authors[bookId] ?? `Author ${bookId}` }),
    popular,
  };
}

const idsOf = (list: readonly Recommended[]): readonly number[] => list.map(({ bookId }) => bookId);
const tiersOf = (list: readonly Recommended[]): readonly string[] => list.map(({ tier }) => tier);

describe('recommendations for a reader nobody knows', () => {
  it('are the books most readers have, in that order', () => {
    const list = recommend(nobody, shelfOf({}, { popular: [5, 3, 8] }));
    assert.deepEqual(idsOf(list), [5, 3, 8]);
    assert.deepEqual(tiersOf(list), ['popular', 'popular', 'popular']);
    assert.deepEqual(list[0]?.reasons, [{ kind: 'popular', text: 'many readers have it' }]);
  });

  it('are none in an empty shop', () => assert.deepEqual(recommend(nobody, shelfOf({})), []));
});

describe('recommendations for a reader little is known of', () => {
  const shelf = shelfOf(
    {
      1: [
        [11, 0.9],
        [12, 0.5],
      ],
      2: [[21, 0.8]],
    },
    { popular: [31, 32, 2, 11] },
  );

  it('begin with what their own searches found, then books like that, then what others read', () => {
    const list = recommend(tasteOf({ searches: [['emma', 2, 3]] }), shelf);
    assert.deepEqual(idsOf(list), [2, 3, 21, 31, 32, 11]);
    assert.deepEqual(tiersOf(list), ['searched', 'searched', 'searched', 'popular', 'popular', 'popular']);
  });

  it('put books like the few they opened between those and what others read', () => {
    const list = recommend(tasteOf({ searches: [['emma', 2]], liked: [[1, opened]] }), shelf);
    assert.deepEqual(idsOf(list), [2, 11, 21, 12, 31, 32]);
    assert.deepEqual(tiersOf(list), ['searched', 'similar', 'searched', 'similar', 'popular', 'popular']);
  });

  it('count the latest search for more than those before it', () => {
    const list = recommend(
      tasteOf({
        searches: [
          ['now', 7],
          ['before', 6],
          ['long before', 5],
        ],
      }),
      shelf,
    );
    assert.deepEqual(idsOf(list).slice(0, 3), [7, 6, 5]);
  });
});

describe('recommendations for a reader who liked books', () => {
  it('count wanting for more than choosing, and choosing for more than opening', () => {
    const shelf = shelfOf({ 1: [[11, 0.5]], 2: [[12, 0.5]], 3: [[13, 0.5]] });
    const liked = [[1, opened] as const, [2, chosen] as const, [3, wanted] as const];
    assert.deepEqual(idsOf(recommend(tasteOf({ liked }), shelf)), [13, 12, 11]);
  });

  it('count the latest books for more, and one opened again as one of those', () => {
    const shelf = shelfOf({ 1: [[11, 0.5]], 2: [[12, 0.5]] });
    const liked = [{ bookId: 2, strength: opened, time: 10 }];
    const one = { bookId: 1, verdict: 'wanted', time: 5 } as const;
    const two = { bookId: 2, verdict: 'wanted', time: 1 } as const;
    assert.deepEqual(idsOf(recommend({ ...nobody, liked, met: [2], verdicts: [one, two] }, shelf)), [12, 11]);
  });

  it('add up what speaks for a book', () => {
    const shelf = shelfOf({
      1: [
        [11, 0.5],
        [12, 0.4],
      ],
      2: [[12, 0.4]],
    });
    const liked = [[1, opened] as const, [2, opened] as const];
    assert.deepEqual(idsOf(recommend(tasteOf({ liked }), shelf)), [12, 11]);
  });

  it('follow no book that was dismissed', () => {
    const verdicts = [{ bookId: 1, verdict: 'dismissed', time: 5 } as const];
    assert.deepEqual(recommend(tasteOf({ liked: [[1, wanted]], verdicts }), shelfOf({ 1: [[11, 0.9]] })), []);
  });
});

describe('the reasons of a recommendation', () => {
  it('name the book or the search each comes from', () => {
    const near = { 1: [[11, 0.5]], 2: [[12, 0.5]], 3: [[13, 0.5]], 4: [[14, 0.5]] } as const;
    const taste = tasteOf({
      liked: [
        [1, opened],
        [2, chosen],
      ],
      searches: [['jane  austen', 4]],
      verdicts: [{ bookId: 3, verdict: 'wanted', time: 1 }],
    });
    const list = recommend(taste, shelfOf(near, { popular: [15] }));
    const reasons = Object.fromEntries(list.map(({ bookId, reasons: [first] }) => [bookId, first]));
    const search = { kind: 'searched', text: 'because you searched “jane  austen”', query: 'jane  austen' };
    assert.deepEqual(reasons, {
      11: { kind: 'opened', text: 'because you opened Book 1', book_id: 1 },
      12: { kind: 'chosen', text: 'because you chose Book 2', book_id: 2 },
      13: { kind: 'wanted', text: 'because you want to read Book 3', book_id: 3 },
      4: search,
      14: search,
      15: { kind: 'popular', text: 'many readers have it' },
    });
  });

  it('are the three most telling ones, each once', () => {
    const near = { 1: [[9, 0.4]], 2: [[9, 0.9]], 3: [[9, 0.6]], 4: [[9, 0.1]] } as const;
    const liked = [[1, opened] as const, [2, opened] as const, [3, opened] as const];
    const searches = [['dracula', 4, 9] as const];
    const [nine] = recommend(tasteOf({ liked, searches }), shelfOf(near));
    assert.deepEqual([nine?.bookId, nine?.tier], [9, 'searched']);
    assert.deepEqual(
      nine?.reasons.map((reason) => reason.book_id ?? reason.query),
      ['dracula', 2, 3],
    );
  });

  it('still stand when the book they come from is gone', () => {
    const shelf = {
      ...shelfOf({ 1: [[11, 0.5]] }),
      titleOf: (id: number) => (id === 1 ? null : { title: 'T', author: 'A' }),
    };
    const [first] = recommend(tasteOf({ liked: [[1, opened]] }), shelf);
    assert.deepEqual(first?.reasons, [{ kind: 'opened', text: 'because you opened a book like it', book_id: 1 }]);
  });
});

describe('a list of recommendations', () => {
  it('holds at most two books by one author, also beside others and in other spelling', () => {
    const authors = { 1: 'Terry Pratchett', 2: 'Neil Gaiman, Terry Pratchett', 3: 'TERRY PRATCHETT', 4: 'Neil Gaiman' };
    assert.deepEqual(idsOf(recommend(nobody, shelfOf({}, { popular: [1, 2, 3, 4, 5], authors }))), [1, 2, 4, 5]);
  });

  it('takes books without an author for books by different ones', () => {
    const authors = { 1: '', 2: '', 3: ' ', 4: '' };
    assert.deepEqual(idsOf(recommend(nobody, shelfOf({}, { popular: [1, 2, 3, 4], authors }))), [1, 2, 3, 4]);
  });

  it('leaves out books that are gone', () => {
    const shelf = {
      ...shelfOf({}, { popular: [1, 2] }),
      titleOf: (id: number) => (id === 1 ? null : { title: 'T', author: 'A' }),
    };
    assert.deepEqual(idsOf(recommend(nobody, shelf)), [2]);
  });

  const bookId = fc.integer({ min: 1, max: 30 });
  const time = fc.integer({ min: 0, max: 20 });
  const books = fc.uniqueArray(bookId, { maxLength: 12 });
  const tastes: fc.Arbitrary<Taste> = fc.record({
    liked: fc.array(fc.record({ bookId, strength: fc.constantFrom(opened, chosen), time }), { maxLength: 8 }),
    met: books,
    searches: fc.array(fc.record({ query: fc.string(), bookIds: books, time }), { maxLength: 4 }),
    verdicts: fc.array(fc.record({ bookId, verdict: fc.constantFrom('wanted', 'dismissed'), time }), { maxLength: 8 }),
  });
  const authors = ['Ann', 'Bob', 'Cas', 'Ann, Dot', 'Eve, Bob', ''];
  const shops = fc.array(
    fc.record({ author: fc.constantFrom(...authors), title: fc.constantFrom('Winter', 'Castle') }),
    {
      minLength: 30,
      maxLength: 30,
    },
  );

  it('holds ten books at most, best first, none the reader has met or judged, for whatever taste', () => {
    fc.assert(
      fc.property(tastes, shops, (known, shop) => {
        const taste = { ...known, met: [...new Set([...known.met, ...known.liked.map((one) => one.bookId)])] };
        const content = createContentIndex();
        for (const [at, fields] of shop.entries()) content.put(at + 1, { id: at + 1, ...fields });
        const list = recommend(taste, { ...content, popular: content.mostPopular(30) });
        assert.deepEqual(recommend(taste, { ...content, popular: content.mostPopular(30) }), list);
        const ids = idsOf(list);
        assert.ok(ids.length <= 10 && new Set(ids).size === ids.length);
        const met = new Set([...taste.met, ...taste.verdicts.map((verdict) => verdict.bookId)]);
        assert.deepEqual(
          ids.filter((id) => met.has(id)),
          [],
        );
        const scores = list.map(({ score }) => score);
        assert.deepEqual(
          scores.toSorted((one, other) => other - one),
          scores,
        );
        assert.ok(scores.every((score) => score > 0 && score <= 1));
        assert.ok(list.every(({ reasons }) => reasons.length > 0 && reasons.length <= 3));
        for (const name of ['ann', 'bob', 'cas', 'dot', 'eve']) {
          const by = ids.filter((id) => authorKeys(content.titleOf(id)!.author).includes(name));
          assert.ok(by.length <= 2, `${name}: ${by.join(' ')}`);
        }
      }),
      { numRuns: 300 },
    );
  });
});
