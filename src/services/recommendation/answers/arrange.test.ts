import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arrange, type Candidate } from './arrange.ts';

const plain: Candidate = {
  authors: [],
  isByNewAuthor: false,
  isReadTogether: false,
  isRecentResult: false,
  isLaterVolume: false,
};
const many = (count: number, fields: Partial<Candidate>): readonly Candidate[] =>
  Array.from({ length: count }, (_, at) => ({ ...plain, authors: [`author ${at}`], ...fields }));
const countOf = (candidates: readonly Candidate[], key: keyof Candidate): number =>
  arrange(candidates).filter((one) => one[key] === true).length;
const placesOf = (candidates: readonly Candidate[]): readonly number[] =>
  arrange(candidates).map((one) => candidates.indexOf(one));

describe('the list that is shown', () => {
  it('has ten works in the order of the ranking', () => {
    assert.deepEqual(placesOf(many(12, {})), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('has at most two by one author, even where that leaves places empty', () => {
    const byOne = many(5, { authors: ['ann', 'bob'] });
    assert.deepEqual(placesOf(byOne), [0, 1]);
    assert.deepEqual(placesOf([...byOne, ...many(2, { authors: ['bob'] }), ...many(1, {})]), [0, 1, 7]);
  });

  it('has at most two of the recent results, unless places stay empty', () => {
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
    assert.deepEqual([countOf(candidates, 'isByNewAuthor'), arrange(candidates).length], [2, 10]);
  });

  it('leaves out later volumes of a series', () => {
    assert.deepEqual(placesOf([...many(1, { isLaterVolume: true }), ...many(1, {})]), [1]);
  });

  it('keeps its limits for any ranking', () => {
    const names: readonly string[] = ['ann', 'bob', 'cas', 'dot'];
    const candidate = fc.record({
      authors: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 2 }),
      isByNewAuthor: fc.boolean(),
      isReadTogether: fc.boolean(),
      isRecentResult: fc.boolean(),
      isLaterVolume: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 30 }), (candidates) => {
        const list = arrange(candidates);
        assert.ok(list.length <= 10 && list.every((one) => !one.isLaterVolume));
        for (const author of names) {
          assert.ok(list.filter(({ authors }) => authors.includes(author)).length <= 2);
        }
      }),
    );
  });
});
