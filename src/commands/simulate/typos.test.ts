import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { distance } from 'fastest-levenshtein';
import { createRandom } from './seeded-random.ts';
import { mistype } from './typos.ts';

const sorted = (text: string): string => Array.from(text).toSorted().join('');

describe('typos', () => {
  it('are one edit: a letter missing, doubled, beside, or swapped with the next', () => {
    const random = createRandom(3);
    const seen = new Set<string>();
    for (let times = 0; times < 2_000; times++) {
      const text = 'wuthering heights';
      const typed = mistype(text, random);
      const isSwap = distance(text, typed) === 2 && sorted(text) === sorted(typed);
      assert.ok(isSwap || distance(text, typed) === 1, typed);
      seen.add(isSwap ? 'swap' : String(typed.length - text.length));
    }
    assert.deepEqual(seen, new Set(['swap', '-1', '0', '1']));
  });

  it('leave the first letter of a word, and words too short to be mistyped', () => {
    const random = createRandom(4);
    for (let times = 0; times < 500; times++) assert.match(mistype('the old emma', random), /^the old e/);
    assert.equal(mistype('we', random), 'we');
    assert.equal(mistype('', random), '');
  });

  it('are made in any script', () => {
    const random = createRandom(5);
    const text = 'божественная комедия';
    for (let times = 0; times < 200; times++) assert.notEqual(mistype(text, random), '');
    assert.ok(Array.from({ length: 50 }, () => mistype(text, random)).every((typed) => typed.isWellFormed()));
  });
});
