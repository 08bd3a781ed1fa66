import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createLists, createMarks, createScores } from './by-number.ts';

const number = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9_999 }));

describe('data structures for things with numbers', () => {
  it('keep the list of each number through any changes', () => {
    const steps = fc.array(fc.tuple(number, fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 700 })));
    fc.assert(
      fc.property(steps, number, (all, missing) => {
        const lists = createLists();
        for (const [at, list] of all) lists.put(at, list);
        const kept = new Map<number, readonly number[]>([[missing, []], ...all]);
        for (const [at, list] of kept) {
          const found: number[] = [];
          lists.each(at, (value) => found.push(value));
          assert.deepEqual(found, list);
          assert.equal(
            lists.some(at, (value) => value === 5),
            list.includes(5),
          );
        }
      }),
    );
  });

  it('keep their lists when there are many of them', () => {
    const lists = createLists();
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 50_000; at++) lists.put(at, [at, round]);
    }
    for (let at = 0; at < 50_000; at++) assert.ok(lists.some(at, (value) => value === at));
  });

  it('keep the sums of their scores until they are cleared', () => {
    const scores = createScores();
    const added = fc.array(fc.tuple(fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: -3, max: 3 })), {
      minLength: 3_000,
      maxLength: 6_000,
    });
    fc.assert(
      fc.property(added, (all) => {
        const sums = new Map<number, number>();
        for (const [at, score] of all) {
          scores.add(at, score);
          sums.set(at, (sums.get(at) ?? 0) + score);
        }
        assert.deepEqual([...scores.works()], [...sums.keys()]);
        for (const [at, sum] of sums) assert.deepEqual([scores.has(at), scores.of(at)], [true, sum]);
        scores.clear();
        for (const at of sums.keys()) assert.deepEqual([scores.has(at), scores.of(at)], [false, 0]);
      }),
      { numRuns: 20 },
    );
  });

  it('are marked until the marks are cleared', () => {
    const marks = createMarks();
    fc.assert(
      fc.property(fc.array(number), number, (all, other) => {
        for (const one of all) marks.add(one);
        for (const one of [...all, other]) assert.equal(marks.has(one), all.includes(one));
        marks.clear();
        assert.ok(!marks.has(other) && all.every((one) => !marks.has(one)));
      }),
    );
  });
});
