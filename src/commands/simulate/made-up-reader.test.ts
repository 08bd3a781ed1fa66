import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReadersInShop, lookThrough } from './made-up-reader.ts';
import { createQuerySource } from './query-source.ts';
import { createRandom } from './random.ts';

const queries = createQuerySource([{ id: 1, title: 'Emma', author: 'Jane Austen', subjects: ['love'] }]);

describe('a made-up reader', () => {
  it('leaves after some searches and comes back another time', () => {
    const random = createRandom(1);
    const inShop = createReadersInShop(5, queries);
    const drawn = Array.from({ length: 20_000 }, () => inShop.drawReader(random));
    const firsts = new Set(drawn.slice(0, 30).map(({ number }) => number));
    assert.ok(firsts.size >= 5 && firsts.size < 15, `${firsts.size}`);
    const all = new Map(drawn.map((reader) => [reader.number, reader]));
    assert.equal(all.size, 100);
    assert.ok(
      drawn.every((reader) => all.get(reader.number) === reader),
      'with the same taste',
    );
    assert.ok(drawn.slice(-5_000).some(({ number }) => firsts.has(number)));
  });

  it('opens a book that fits the taste more often than another one above it', () => {
    const random = createRandom(3);
    const results = [1, 2].map((id) => ({ id, title: 'x', author: 'y', subjects: id === 2 ? ['love'] : [] }));
    const opened = [0, 0, 0];
    for (let times = 0; times < 2_000; times++) {
      for (const { bookId } of lookThrough(results, random, ['subject love'])) opened[bookId]!++;
    }
    assert.ok(opened[2]! > 1.5 * opened[1]!, `${opened[1]} ${opened[2]}`);
  });

  it('opens fewer results the further down they stand, and at most two', () => {
    const random = createRandom(2);
    const results = Array.from({ length: 10 }, (_, index) => ({ id: 100 + index, title: 'x', author: 'y' }));
    const opened = results.map(() => 0);
    const kinds = new Set<string>();
    for (let times = 0; times < 20_000; times++) {
      const actions = lookThrough(results, random);
      const opening = actions.filter(({ action }) => action === 'opened' || action === 'chosen');
      assert.ok(opening.length <= 2);
      for (const { position, bookId } of opening) {
        assert.equal(bookId, 99 + position);
        opened[position - 1]!++;
      }
      for (const { action } of actions) kinds.add(action);
    }
    assert.deepEqual(
      opened,
      opened.toSorted((one, other) => other - one),
    );
    assert.ok(opened[0]! > 5 * opened[6]!);
    assert.deepEqual([...kinds].sort(), ['chosen', 'dismissed', 'opened', 'wanted']);
    assert.deepEqual(lookThrough([], random), []);
  });
});
