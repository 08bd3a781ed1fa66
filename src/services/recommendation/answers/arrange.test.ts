import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arrange, type Candidate as Ranked } from './arrange.ts';

type Candidate = Ranked & {
  readonly authors: readonly number[];
  readonly isLaterVolume: boolean;
  readonly canBeTold: boolean;
};

const plain: Candidate = {
  authors: [],
  isByNewAuthor: false,
  isReadTogether: false,
  isRecentResult: false,
  isLaterVolume: false,
  canBeTold: true,
};
const listOf = (ranking: readonly Candidate[], further: readonly Candidate[] = []): readonly Candidate[] =>
  arrange(ranking, () => further, {
    authorsOf: ({ authors }) => authors,
    isLaterVolume: (one) => one.isLaterVolume,
    canBeTold: (one) => one.canBeTold,
  });
const many = (count: number, fields: Partial<Candidate>): readonly Candidate[] =>
  Array.from({ length: count }, (_, at) => ({ ...plain, authors: [100 + at], ...fields }));
const countOf = (candidates: readonly Candidate[], key: keyof Candidate): number =>
  listOf(candidates).filter((one) => one[key] === true).length;
const placesOf = (candidates: readonly Candidate[]): readonly number[] =>
  listOf(candidates).map((one) => candidates.indexOf(one));

describe('the list that is shown', () => {
  it('has ten works in the order of the ranking', () => {
    assert.deepEqual(placesOf(many(12, {})), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('has at most two by one author, even if the list is then shorter', () => {
    const byOne = many(5, { authors: [1, 2] });
    assert.deepEqual(placesOf(byOne), [0, 1]);
    assert.deepEqual(placesOf([...byOne, ...many(2, { authors: [2] }), ...many(1, {})]), [0, 1, 7]);
  });

  it('has at most two of the recent results, unless the list would be shorter', () => {
    const results = many(5, { isRecentResult: true });
    assert.equal(countOf([...results, ...many(9, { authors: [] })], 'isRecentResult'), 2);
    assert.equal(countOf([...results, ...many(6, { authors: [] })], 'isRecentResult'), 4);
  });

  it('has three works by new authors once readers of the same books have three such works', () => {
    const known = many(12, { authors: [] });
    const unheard = many(3, { isByNewAuthor: true, isReadTogether: true });
    assert.equal(countOf([...known, ...unheard], 'isByNewAuthor'), 3);
    assert.equal(countOf([...known, ...unheard.slice(1)], 'isByNewAuthor'), 0);
    assert.equal(countOf([...known, ...many(9, { isByNewAuthor: true })], 'isByNewAuthor'), 0);
  });

  it('drops the rule of new authors before that of recent results', () => {
    const candidates = [
      ...many(8, { authors: [] }),
      ...many(4, { isByNewAuthor: true, isReadTogether: true, isRecentResult: true }),
    ];
    assert.deepEqual([countOf(candidates, 'isByNewAuthor'), listOf(candidates).length], [2, 10]);
  });

  it('leaves out later volumes of a series', () => {
    assert.deepEqual(placesOf([...many(1, { isLaterVolume: true }), ...many(1, {})]), [1]);
  });

  it('leaves out works without a reason, which do not count as works by new authors either', () => {
    const untold = many(3, { isByNewAuthor: true, isReadTogether: true, canBeTold: false });
    assert.deepEqual(placesOf([...many(12, { authors: [] }), ...untold]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('is filled from behind the ranking', () => {
    const ranking = many(8, { authors: [] });
    const further = [...many(1, { isLaterVolume: true }), ...many(3, { authors: [] })];
    assert.deepEqual(listOf(ranking, further), [...ranking, ...further.slice(1, 3)]);
  });

  it('keeps its limits for any ranking', () => {
    const everybody: readonly number[] = [1, 2, 3, 4];
    const candidate = fc.record({
      authors: fc.uniqueArray(fc.constantFrom(...everybody), { maxLength: 2 }),
      isByNewAuthor: fc.boolean(),
      isReadTogether: fc.boolean(),
      isRecentResult: fc.boolean(),
      isLaterVolume: fc.boolean(),
      canBeTold: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 30 }), (candidates) => {
        const list = listOf(candidates);
        assert.ok(list.length <= 10 && list.every((one) => one.canBeTold && !one.isLaterVolume));
        for (const author of everybody) {
          assert.ok(list.filter(({ authors }) => authors.includes(author)).length <= 2);
        }
      }),
    );
  });
});
