import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  burstScore,
  compareAll,
  goesOn,
  lowestScore,
  leastRisingScore,
  riseOf,
  type BurstHours,
  type Comparison,
  type QueryCounts,
} from './burst.ts';

/** A shop with 7,000 readers in the week before, and 1,000 in 24 hours. */
const usual = compareAll((hours) => (hours * 1_000) / 24, 7_000, 100);

const counts =
  (by: Partial<Record<BurstHours, number>>) =>
  (hours: BurstHours): number =>
    by[hours] ?? 0;

describe('the burst score', () => {
  it('is the signed square root of the deviance of two Poisson counts', () => {
    const [count, before, ratio] = [20, 12 + 2, 1 / 7];
    const [expected, expectedBefore] = [(count + before) / 8, ((count + before) * 7) / 8];
    const deviance = 2 * (count * Math.log(count / expected) + before * Math.log(before / expectedBefore));
    assert.ok(Math.abs(burstScore(20, 12, ratio) - Math.sqrt(deviance)) < 1e-9);
  });

  it('is 0 for fewer readers than expected, and for three readers', () => {
    assert.equal(burstScore(14, 100, 1 / 7), 0);
    assert.equal(burstScore(3, 0, 1 / 7), 0);
    assert.ok(burstScore(4, 0, 1 / 7) > 0);
  });

  it('is less where the same ratio rests on fewer readers', () => {
    assert.ok(burstScore(12, 21, 1 / 7) < burstScore(48, 84, 1 / 7));
  });

  it('is taken from the window in which it is greatest', () => {
    assert.equal(riseOf(counts({ 3: 9, 6: 9, 12: 9, 24: 9 }), 7, usual).hours, 3);
    assert.equal(riseOf(counts({ 3: 2, 6: 4, 12: 10, 24: 40 }), 7, usual).hours, 24);
  });

  it('is 0 in a shop without a baseline', () => {
    assert.equal(
      riseOf(
        () => 1_000,
        0,
        compareAll(() => 1_000, 49, 1),
      ).score,
      0,
    );
  });

  it('does not rise where all queries have more readers', () => {
    const busy = compareAll((hours) => (hours * 10_000) / 24, 7_000, 100);
    assert.equal(riseOf(counts({ 3: 12, 6: 25, 12: 50, 24: 100 }), 70, busy).score, 0);
  });
});

describe('a comparison with all queries', () => {
  /** Twenty queries with 350 readers in the week before and 50 in 24 hours each, and one more. */
  const withOne = (one: QueryCounts) => {
    const others = Array.from({ length: 20 }, () => ({ countIn: (hours: number) => (hours * 50) / 24, baseline: 350 }));
    const readersIn = (hours: BurstHours): number => (hours * 1_000) / 24 + one.countIn(hours);
    return compareAll(readersIn, 7_000 + one.baseline, 100, [...others, one]);
  };
  const scoreOf = (comparison: Comparison): number => riseOf(counts({ 3: 9, 6: 9, 12: 9, 24: 9 }), 7, comparison).score;

  it('is not changed by one query that rises by thousands of readers, nor by its end', () => {
    const expected = scoreOf(usual);
    const rising = withOne({ countIn: (hours) => hours * 200, baseline: 70 });
    assert.ok(Math.abs(scoreOf(rising) - expected) < 0.05, `${scoreOf(rising)} and ${expected}`);
    const over = withOne({ countIn: () => 0, baseline: 5_000 });
    assert.ok(Math.abs(scoreOf(over) - expected) < 0.05, `${scoreOf(over)} and ${expected}`);
  });

  it('counts a large query that changes as all others do', () => {
    const busy = withOne({ countIn: (hours) => (hours * 5_000) / 24, baseline: 35_000 });
    assert.deepEqual(
      busy,
      compareAll((hours) => (hours * 6_000) / 24, 42_000, 100),
    );
  });
});

describe('a rise', () => {
  it('goes on while readers come as they did, and at night, when few come at all', () => {
    assert.ok(goesOn(counts({ 3: 5, 24: 40 }), 7, usual));
    const night = compareAll((hours) => (hours === 3 ? 10 : 1_000), 7_000, 100);
    assert.ok(goesOn(counts({ 3: 0, 24: 40 }), 7, night));
  });

  it('is over soon after readers stop coming, long before 24 hours have passed', () => {
    assert.ok(!goesOn(counts({ 3: 0, 24: 40 }), 7, usual));
    assert.ok(!goesOn(counts({ 3: 1, 24: 400 }), 7, usual));
  });

  it('needs a higher score the more queries there are, and a lower one below other rows', () => {
    assert.equal(leastRisingScore(0, 1), lowestScore);
    assert.equal(leastRisingScore(10, 10), lowestScore);
    const few = leastRisingScore(50, 1);
    const many = leastRisingScore(5_000, 1);
    assert.ok(few > 3 && few < 3.7 && many > 4.4 && many < 4.8, `${few} and ${many}`);
    assert.ok(leastRisingScore(5_000, 5) < many);
  });
});
