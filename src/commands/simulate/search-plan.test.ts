import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { distance } from 'fastest-levenshtein';
import { createQuerySource, type KnownBook } from './query-source.ts';
import { planSearches, mistype, type PlannedSearch, type SearchPlanOptions } from './search-plan.ts';
import { createRandom } from './random.ts';

const books: readonly KnownBook[] = [
  { id: 1, title: 'Pride and Prejudice', author: 'Jane Austen', subjects: ['love', 'england'] },
  { id: 2, title: 'Hamlet', author: 'William Shakespeare', subjects: ['tragedy'] },
  { id: 3, title: 'The Odyssey', author: 'Homer', subjects: ['epic', 'sea voyages'] },
  { id: 4, title: 'Dracula', author: 'Bram Stoker', subjects: [] },
];
const queries = createQuerySource(books);

function plan(count: number, options: Partial<SearchPlanOptions> = {}): readonly PlannedSearch[] {
  const searches = planSearches({ seed: 11, queries, readers: 20, rate: 10, ...options });
  return Array.from({ length: count }, () => searches.next().value);
}

describe('planned searches', () => {
  it('are the same for the same seed, and different for another', () => {
    assert.deepEqual(plan(2_000), plan(2_000));
    assert.notDeepEqual(plan(50), plan(50, { seed: 12 }));
  });

  it('come at the rate asked for, one after the other', () => {
    const searches = plan(5_000);
    const times = searches.map(({ atMs }) => atMs);
    assert.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
    );
    assert.ok(Math.abs(times.at(-1)! / 500_000 - 1) < 0.05, `${times.at(-1)} ms`);
  });

  it('ask for titles, words of titles, authors and subjects, the popular ones most', () => {
    const asked = new Map<string, number>();
    for (const { query } of plan(5_000)) asked.set(query, (asked.get(query) ?? 0) + 1);
    for (const query of ['Pride and Prejudice', 'pride', 'jane austen', 'austen', 'love', 'sea voyages', 'homer']) {
      assert.ok((asked.get(query) ?? 0) > 5, query);
    }
    assert.ok(asked.get('jane austen')! > 2 * asked.get('bram stoker')!);
    assert.ok(!asked.has('and') && !asked.has(''));
  });

  it('are mistyped or unfinished now and then', () => {
    const written = new Set(books.flatMap(({ title, author }) => `${title} ${author}`.toLowerCase().split(' ')));
    const searches = plan(5_000).filter(({ query }) => !/love|england|tragedy|epic|sea/i.test(query));
    const odd = searches.filter(
      ({ query }) =>
        !query
          .toLowerCase()
          .split(' ')
          .every((word) => written.has(word)),
    );
    const share = odd.length / searches.length;
    assert.ok(share > 0.09 && share < 0.15, `${share}`);
  });

  it('are for one query more than anything else in its minute, by many readers', () => {
    const searches = plan(1_200, { burst: 'beetles' });
    const hot = searches.filter(({ query }) => query === 'beetles');
    const inMinute = searches.filter(({ atMs }) => atMs < 60_000);
    assert.ok(hot.every(({ atMs }) => atMs < 60_000));
    assert.ok(hot.length > inMinute.length / 4, `${hot.length} of ${inMinute.length}`);
    assert.ok(new Set(hot.map(({ reader }) => reader.number)).size > 20);
  });

  it('have surprises without being asked for them', () => {
    const perMinute = new Map<string, number>();
    for (const { atMs, query } of plan(20_000)) {
      const minute = `${Math.floor(atMs / 60_000)} ${query}`;
      perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
    }
    assert.ok(Math.max(...perMinute.values()) > 120);
  });

  it('need no subjects and no authors', () => {
    const bare = createQuerySource([{ id: 1, title: 'Anon', author: '' }]);
    assert.ok(plan(500, { queries: bare }).every(({ query, reader }) => query !== '' && reader.taste === null));
  });
});

const sorted = (text: string): string => Array.from(text).toSorted().join('');

describe('typos', () => {
  it('are one edit: a letter missing, doubled, replaced by its neighbour, or swapped with the next', () => {
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
