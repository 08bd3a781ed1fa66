import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createReadingModel, neighboursFor, ridgeFor, type ReadingModel } from './reading-model.ts';
import { createTiles } from './all-works.ts';
import { createScores } from './by-number.ts';
import type { ReaderCounts } from './reader-counts.ts';

const bookId = fc.integer({ min: 1, max: 9 });
const books = fc.uniqueArray(bookId, { maxLength: 6 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('reader' as const), reader: fc.constantFrom('a', 'b', 'c', 'd', 'e'), books }),
  fc.record({ kind: fc.constant('work' as const), bookId, work: bookId }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

function apply(counts: ReaderCounts, one: Step): void {
  if (one.kind === 'reader') counts.put(one.reader, one.books.map(counts.numberOf));
  else counts.regroup(new Map([[counts.numberOf(one.bookId), counts.numberOf(one.work)]]));
}

/** All counts by book ids, whatever the numbers of the books. */
function countsOf(counts: ReaderCounts): string {
  const lines: string[] = [];
  for (let work = 0; work < counts.size(); work++) {
    const readers = counts.readersOf(work);
    if (readers !== 0) lines.push(`${counts.bookIdOf(work)} ${readers}`);
    counts.pairs.eachOf(work, 1, (other, shared) => {
      lines.push(`${counts.bookIdOf(work)}+${counts.bookIdOf(other)} ${shared}`);
      assert.equal(counts.pairs.get(other, work), shared);
    });
  }
  return [`${counts.readers()} ${counts.works()}`, ...lines.sort()].join('\n');
}

/** What a clean start counts that knows only how things stand in the end. */
function rebuilt(steps: readonly Step[]): ReadingModel {
  const model = createReadingModel();
  const last = new Map(steps.map((one) => [one.kind === 'reader' ? one.reader : one.bookId, one]));
  for (const one of last.values()) if (one.kind === 'work') apply(model.counts, one);
  for (const one of last.values()) if (one.kind === 'reader') apply(model.counts, one);
  return model;
}

function weightsOf(model: ReadingModel): ReadonlyMap<string, number> {
  const { counts } = model;
  const weights = new Map<string, number>();
  const scores = createScores();
  for (let work = 0; work < counts.size(); work++) {
    model.addTo(scores, [{ work, weight: 1, recentShare: 0 }]);
    for (const target of scores.works()) {
      weights.set(`${counts.bookIdOf(work)} for ${counts.bookIdOf(target)}`, scores.of(target));
    }
    scores.clear();
  }
  return weights;
}

describe('the reading model', () => {
  it('has after any steps the counts of a clean rebuild', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { counts } = createReadingModel();
        for (const one of steps) apply(counts, one);
        assert.equal(countsOf(counts), countsOf(rebuilt(steps).counts));
      }),
    );
  });

  it('has after removing a reader the counts of a rebuild without that reader', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { counts } = createReadingModel();
        for (const one of steps) apply(counts, one);
        counts.put('a', []);
        const others = steps.filter((one) => one.kind === 'work' || one.reader !== 'a');
        assert.equal(countsOf(counts), countsOf(rebuilt(others).counts));
      }),
    );
  });

  it('has after a completed sweep the weights of a clean rebuild, to 1e-9', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const model = createReadingModel();
        let clock = 0;
        const stopwatch = (): number => clock++;
        for (const one of steps) {
          apply(model.counts, one);
          model.solveChanged(clock + 3, stopwatch);
          model.solveRound(clock + 3, stopwatch);
        }
        while (model.solveChanged(clock + 9, stopwatch) || model.solveRound(clock + 9, stopwatch));
        const clean = rebuilt(steps);
        clean.solveAll();
        const expected = weightsOf(clean);
        const weights = weightsOf(model);
        assert.deepEqual([...weights.keys()].sort(), [...expected.keys()].sort());
        for (const [pair, weight] of expected) assert.ok(Math.abs(weights.get(pair)! - weight) < 1e-9, pair);
      }),
    );
  });

  it('counts a work once for a reader of two editions', () => {
    const { counts } = createReadingModel();
    const [one, other, third] = [1, 2, 3].map(counts.numberOf) as [number, number, number];
    counts.put('ann', [one, other, third]);
    counts.regroup(new Map([[other, one]]));
    assert.deepEqual([counts.readersOf(one), counts.readersOf(other), counts.pairs.get(one, third)], [1, 0, 1]);
    counts.regroup(new Map([[other, other]]));
    assert.deepEqual([counts.readersOf(other), counts.pairs.get(one, other)], [1, 1]);
  });

  it('solves a ridge regression of the readers of a work on those of its neighbours', () => {
    const model = createReadingModel();
    const { counts } = model;
    for (let reader = 0; reader < 10; reader++) {
      counts.put(`r${reader}`, (reader < 6 ? [1, 2] : [1, 3]).map(counts.numberOf));
    }
    model.solveChanged(Number.POSITIVE_INFINITY, () => 0);
    const weights = weightsOf(model);
    const ridge = ridgeFor(10);
    assert.ok(Math.abs(weights.get('1 for 2')! - 6 / (10 + ridge * Math.sqrt(10))) < 1e-12);
    // For work 1: 2 is its nearest neighbour, 3 is further by √(6 / 4). No reader has both.
    assert.ok(Math.abs(weights.get('2 for 1')! - 6 / (6 + ridge * Math.sqrt(6))) < 1e-12);
    assert.ok(Math.abs(weights.get('3 for 1')! - 4 / (4 + ridge * Math.sqrt(4) * 1.5 ** 0.75)) < 1e-12);
  });

  it('takes in a sweep the mean with a ridge regression on all other works, when there are few works', () => {
    const model = createReadingModel();
    const { counts } = model;
    for (let reader = 0; reader < 10; reader++) {
      counts.put(`r${reader}`, (reader < 6 ? [1, 2] : [1]).map(counts.numberOf));
    }
    model.solveAll();
    const weights = weightsOf(model);
    const ridge = ridgeFor(10);
    const mean = (one: number, other: number): number => (one + other) / 2;
    const [ofOne, ofTwo] = [ridge * Math.sqrt(10), ridge * Math.sqrt(6)];
    assert.ok(Math.abs(weights.get('1 for 2')! - mean(6 / (10 + ofOne), 6 / (10 + 4 * ofOne))) < 1e-7);
    assert.ok(Math.abs(weights.get('2 for 1')! - mean(6 / (6 + ofTwo), 6 / (6 + 4 * ofTwo))) < 1e-7);
  });

  it('solves works one by one again when they have become too many', () => {
    const model = createReadingModel();
    const { counts } = model;
    for (const reader of ['ann', 'bob', 'cas']) counts.put(reader, [1, 2].map(counts.numberOf));
    model.solveChanged(Number.POSITIVE_INFINITY, () => 0);
    const oneByOne = model.weightOf(0, 1);
    model.solveAll();
    assert.ok(model.coversAll() && model.weightOf(0, 1) < oneByOne);
    for (let book = 3; book <= 4_097; book++) counts.put(`of ${book}`, [counts.numberOf(book)]);
    model.solveAll();
    assert.ok(!model.coversAll() && model.weightOf(0, 1) > 0);
    const clean = createReadingModel();
    for (const reader of ['ann', 'bob', 'cas']) clean.counts.put(reader, [1, 2].map(clean.counts.numberOf));
    for (let book = 3; book <= 4_097; book++) clean.counts.put(`of ${book}`, [clean.counts.numberOf(book)]);
    clean.solveAll();
    assert.equal(model.weightOf(0, 1), clean.weightOf(0, 1));
  });

  it('solves all works together exactly, also when they fill several tiles', () => {
    const tiles = createTiles(150);
    const random = (row: number, column: number): number => ((row * 7 + column * 13) % 11) / 11;
    for (let row = 0; row < 150; row++) {
      for (let column = 0; column <= row; column++) tiles.add(row, column, row === column ? 150 : random(row, column));
    }
    const before = Array.from({ length: 150 }, (_, row) => Array.from({ length: 150 }, (_, at) => tiles.get(row, at)));
    for (const _ of tiles.invert());
    for (let row = 0; row < 150; row++) {
      for (let column = 0; column < 150; column++) {
        const product = before[row]!.reduce((sum, value, at) => sum - value * tiles.get(at, column), 0);
        assert.ok(Math.abs(product - (row === column ? 1 : 0)) < 1e-12);
      }
    }
  });

  it('learns in a sweep from works of a reader behind the last hundred, and forgets them', () => {
    const model = createReadingModel();
    const { counts } = model;
    const books = Array.from({ length: 150 }, (_, at) => counts.numberOf(at + 1));
    counts.put('ann', books.slice(148));
    counts.put('bob', books);
    model.solveAll();
    const withBob = weightsOf(model);
    assert.ok(withBob.get('149 for 150')! > 0 && counts.readersOf(books[149]!) === 1);
    counts.put('bob', books.slice(0, 149));
    while (model.solveChanged(9, () => 0) || model.solveRound(9, () => 0));
    const clean = createReadingModel();
    clean.counts.put(
      'bob',
      books.slice(0, 149).map((at) => clean.counts.numberOf(at + 1)),
    );
    clean.counts.put('ann', [149, 150].map(clean.counts.numberOf));
    clean.solveAll();
    const expected = weightsOf(clean);
    assert.deepEqual(weightsOf(model), new Map([...expected].map(([pair]) => [pair, expected.get(pair)!])));
  });

  it('keeps what changed during a sweep until the next one', () => {
    const model = createReadingModel();
    const { counts } = model;
    let clock = 0;
    const stopwatch = (): number => clock++;
    const numbers = [1, 2, 3].map(counts.numberOf);
    for (const reader of ['ann', 'bob', 'cas']) counts.put(reader, numbers.slice(0, 2));
    model.solveChanged(Number.POSITIVE_INFINITY, stopwatch);
    model.solveRound(clock + 2, stopwatch);
    for (const reader of ['dot', 'eve', 'fay']) counts.put(reader, numbers.slice(1));
    model.solveChanged(Number.POSITIVE_INFINITY, stopwatch);
    for (let step = 0; step < 20; step++) {
      model.solveRound(clock + 1, stopwatch);
      assert.ok(model.weightOf(numbers[1]!, numbers[2]!) > 0, `after step ${step}`);
    }
  });

  it('solves fewer neighbours of each work when more works have readers', () => {
    assert.deepEqual([0, 4_096, 4_097, 16_385, 65_537, 1_000_000].map(neighboursFor), [256, 256, 128, 64, 32, 32]);
  });

  it('keeps the weights of other works when a work gets and loses many neighbours', () => {
    const model = createReadingModel();
    const { counts } = model;
    const books = Array.from({ length: 90 }, (_, at) => counts.numberOf(at + 1));
    for (let reader = 0; reader < 4; reader++) counts.put(`few${reader}`, books.slice(0, 3));
    model.solveAll();
    const before = weightsOf(model);
    counts.put('many', books);
    model.solveAll();
    assert.equal(weightsOf(model).size, 90 * 89);
    counts.put('many', []);
    model.solveAll();
    assert.deepEqual(weightsOf(model), before);
  });

  it('keeps counts beyond a thousand exact', () => {
    const { counts } = createReadingModel();
    const pair = [counts.numberOf(1), counts.numberOf(2)] as const;
    for (let reader = 0; reader < 3_000; reader++) counts.put(`r${reader}`, pair);
    assert.equal(counts.pairs.get(...pair), 3_000);
    for (let reader = 0; reader < 2_990; reader++) counts.put(`r${reader}`, []);
    assert.deepEqual([counts.pairs.get(...pair), counts.readersOf(pair[0])], [10, 10]);
  });
});
