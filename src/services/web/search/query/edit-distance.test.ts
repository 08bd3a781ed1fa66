import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createEditDistance, editDistance } from './edit-distance.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', 'ж', '語'), minLength: 1, maxLength: 32 });

describe('the distance between two words', () => {
  it('counts letters too many, letters missing, wrong letters and swapped neighbours', () => {
    for (const [one, other, errors] of [
      ['hobbit', 'hobbit', 0],
      ['hobit', 'hobbit', 1],
      ['hobbbit', 'hobbit', 1],
      ['habbit', 'hobbit', 1],
      ['hobibt', 'hobbit', 1],
      ['ca', 'abc', 3],
      ['x'.repeat(32), 'x'.repeat(40), 8],
    ] as const) {
      assert.equal(editDistance(one, other), errors, one);
    }
  });

  it('is the least number of errors, to whole words and to their beginnings', () => {
    const distance = createEditDistance();
    fc.assert(
      fc.property(word, word, fc.nat(4), (one, other, most) => {
        const expected = tableOf(one, other).at(-1)!;
        const letters = Uint16Array.from(`..${other}`, (letter) => letter.charCodeAt(0));
        distance.setWord(one);
        const found = distance.toWord(letters, 2, letters.length, most);
        assert.ok(expected.at(-1)! <= most ? found === expected.at(-1) : found > most);
        assert.equal(distance.toBeginning(letters, 2, letters.length), Math.min(...expected));
      }),
    );
  });
});

/** For each beginning of one word, the distances to all beginnings of the other. */
function tableOf(one: string, other: string): readonly number[][] {
  const table = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwap = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current.push(
        Math.min(
          table[row - 1]![column - 1]! + (isSame ? 0 : 1),
          table[row - 1]![column]! + 1,
          current[column - 1]! + 1,
          isSwap ? table[row - 2]![column - 2]! + 1 : Infinity,
        ),
      );
    }
    table.push(current);
  }
  return table;
}
