import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLastSearch } from './panels.ts';

const firstBook = { id: 17, title: 'Emma', author: 'Jane Austen' };

describe('last search', () => {
  it("is the reader's latest, and nobody else's", () => {
    const lastSearch = createLastSearch(() => 1_000);
    lastSearch.remember('r1', { query: 'dune', timeMs: 900, firstBook: null });
    lastSearch.remember('r1', { query: 'emma', timeMs: 1_000, firstBook });
    assert.deepEqual(lastSearch.of('r1'), { query: 'emma', timeMs: 1_000, firstBook });
    assert.equal(lastSearch.of('r2'), null);
  });

  it('is over after half an hour', () => {
    let now = 0;
    const lastSearch = createLastSearch(() => now);
    lastSearch.remember('r1', { query: 'emma', timeMs: 0, firstBook });
    now = 31 * 60_000;
    assert.equal(lastSearch.of('r1'), null);
  });

  it('forgets the reader who searched longest ago when there are too many', () => {
    const lastSearch = createLastSearch(() => 0);
    for (let index = 0; index <= 20_000; index++) {
      lastSearch.remember(`r${index}`, { query: 'emma', timeMs: 0, firstBook: null });
    }
    assert.equal(lastSearch.of('r0'), null);
    assert.equal(lastSearch.of('r20000')?.query, 'emma');
  });
});
