import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { highlightBook } from './highlight-book.ts';
import { parseQuery } from './parse-query.ts';

function marked(text: string, query: string): string {
  const { highlights } = highlightBook({ id: 1, title: text, author: 'Nobody' }, parseQuery(query).words);
  return highlights.title.reduceRight(
    (rest, [start, end]) => `${rest.slice(0, start)}<${rest.slice(start, end)}>${rest.slice(end)}`,
    text,
  );
}

describe('highlights', () => {
  it('marks whole words, and the whole word for its typed beginning', () => {
    assert.equal(marked('The Great Gatsby', 'great gat'), 'The <Great> <Gatsby>');
    assert.equal(marked('Greatest Hits', 'great hits'), 'Greatest <Hits>');
  });

  it('marks the text as it is written, whatever way the word was typed', () => {
    assert.equal(
      marked("Harry Potter and the Philosopher's Stone", 'philosophers stone'),
      "Harry Potter and the <Philosopher's> <Stone>",
    );
    assert.equal(marked('Les Misérables', 'miserables'), 'Les <Misérables>');
    assert.equal(marked('Les Mise\u0301rables', 'misérables'), 'Les <Mise\u0301rables>');
    assert.equal(marked('Spider-Man', 'spiderman'), '<Spider-Man>');
  });

  it('marks pairs of characters as one range', () => {
    assert.equal(marked('吾輩は猫である', '輩は猫'), '吾<輩は猫>である');
  });

  it('names the fields that matched', () => {
    const book = { id: 1, title: 'Emma', author: 'Jane Austen', series: 'Novels', subjects: ['Love stories'] };
    assert.deepEqual(highlightBook(book, parseQuery('emma austen').words).matched, ['title', 'author']);
    assert.deepEqual(highlightBook(book, parseQuery('novels love').words).matched, ['series', 'subjects']);
    assert.deepEqual(highlightBook(book, parseQuery('author:jane').words).matched, ['author']);
    assert.deepEqual(highlightBook(book, []).matched, []);
  });
});
