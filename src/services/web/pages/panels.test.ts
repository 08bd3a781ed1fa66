import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLastSearch, renderRecommendations, renderTrends } from './panels.ts';

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

it("shows what the tutorial's services say, which is less than ours", () => {
  const trends = { ok: true, items: [{ query: 'kafka' }] } as const;
  assert.match(
    renderTrends({ trends, own: null, nowMs: 0 }).markup,
    /<a href="\/\?q=kafka">kafka<\/a>\s*<span class="note"\s*><\/span/,
  );
  const own = { query: 'Kafka', timeMs: 0, firstBook };
  assert.match(renderTrends({ trends, own, nowMs: 0 }).markup, /you, just now<\/strong> · found Emma/);
  const items = [{ title: 'The Trial', author: 'Franz Kafka' }];
  const suggestions = renderRecommendations({ recommendations: { ok: true, items }, back: '/' }).markup;
  assert.match(suggestions, /<a href="\/\?q=The\+Trial">The Trial<\/a>/);
  assert.doesNotMatch(suggestions, /<form|undefined/);
});
