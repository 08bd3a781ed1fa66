import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keepMatchingWords } from './drop-words.ts';
import { parseQuery } from './parse-query.ts';

function keep(query: string, ...books: readonly string[]): { kept: string; asked: number } {
  let asked = 0;
  const has = (book: string, word: string): boolean => book.split(' ').includes(word);
  const kept = keepMatchingWords(parseQuery(query).words, {
    matches: (words) => {
      asked++;
      return books.some((book) => words.every(({ word }) => has(book, word)));
    },
    worth: (words) => (words.some(({ word }) => word === 'hobbit') ? 9 : 0),
    frequency: ({ word }) => books.filter((book) => has(book, word)).length,
  });
  return { kept: kept.map(({ word }) => word).join(' '), asked };
}

describe('dropping words', () => {
  it('drops the words no book has', () => {
    assert.equal(keep('harry pottter stone', 'harry potter stone', 'harry hole').kept, 'harry stone');
  });

  it('keeps as many words as any book has, even if a rarer word goes', () => {
    assert.equal(keep('harry potter zanzibar', 'harry potter', 'harry potter two', 'zanzibar').kept, 'harry potter');
  });

  it('keeps the words in the fewest books when it must choose among equally many', () => {
    assert.equal(keep('gatsby potter', 'gatsby', 'potter one', 'potter two').kept, 'gatsby');
  });

  it('keeps the words of the best match when it must choose, unless they are in many more books', () => {
    assert.equal(keep('hobbit paperback', 'hobbit one', 'hobbit two', 'paperback').kept, 'hobbit');
    const hobbits = Array.from({ length: 600 }, (_, at) => `hobbit ${at}`);
    assert.equal(keep('hobbit paperback', ...hobbits, 'paperback').kept, 'paperback');
  });

  it('keeps nothing when no book has any of the words', () => {
    assert.equal(keep('xyzzy plugh', 'gatsby').kept, '');
  });

  it('asks a bounded number of questions', () => {
    const words = Array.from({ length: 32 }, (_, index) => `w${index}`);
    assert.ok(keep(words.join(' '), ...words).asked <= 4 * 32 + 1);
  });
});
