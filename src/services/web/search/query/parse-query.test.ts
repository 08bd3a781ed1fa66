import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchExpression } from '../index/slots.ts';
import { parseQuery } from './parse-query.ts';

const expressionOf = (query: string): string => matchExpression(parseQuery(query).words);

describe('parsing a query', () => {
  it('wants every word, and takes the last one for unfinished', () => {
    assert.equal(expressionOf('The Great gats'), '"the" "great" "gats"*');
  });

  it('takes operators, wildcards, quotes and brackets for what they are between: words', () => {
    assert.equal(expressionOf('war AND peace'), '"war" "and" "peace"*');
    assert.equal(expressionOf('NEAR(war, 3) OR NOT'), '"near" "war" "3" "or" "not"*');
    assert.equal(expressionOf('"war* -peace" ^title: {a b} 100%_'), '"war" "peace" "title" "a" "b" "100"*');
    assert.equal(expressionOf("'; DROP TABLE book; --"), '"drop" "table" "book"*');
  });

  it('trims, and takes repeated words and spaces once', () => {
    const query = parseQuery('  new   york\u3000new  ');
    assert.equal(query.text, 'new   york\u3000new');
    assert.equal(query.phrase, 'new york new');
    assert.equal(matchExpression(query.words), '"new" "york"');
  });

  it('has no words where there is no letter and no digit', () => {
    for (const text of ['', ' ', '***', '"', '()', '🐉', '%', '-', '։']) assert.deepEqual(parseQuery(text).words, []);
  });

  it('asks the author only for what follows author:', () => {
    const ofAuthor = (query: string): readonly string[] =>
      parseQuery(query)
        .words.filter(({ only }) => only === 'author')
        .map(({ word }) => word);
    assert.deepEqual(ofAuthor('author:Ursula Le Guin'), ['ursula', 'le', 'guin']);
    assert.deepEqual(ofAuthor('shining AUTHOR: king'), ['king']);
    assert.deepEqual(ofAuthor('king author:king'), ['king']);
    assert.deepEqual(ofAuthor('author:"le guin" earthsea'), ['le', 'guin']);
    assert.deepEqual(ofAuthor('author:“le guin” le'), ['le', 'guin']);
  });

  it('takes author: alone, and inside a word, for a word', () => {
    assert.equal(expressionOf('author:'), '"author"*');
    assert.equal(expressionOf('author: ***'), '"author"*');
    assert.equal(expressionOf('coauthor:king'), '"coauthor" "king"*');
  });

  it('knows an ISBN of either length, written with or without hyphens', () => {
    for (const isbn of ['9780306406157', '978-0-306-40615-7', '0-306-40615-2', '0306406152', 'ISBN 0306406152']) {
      assert.equal(parseQuery(isbn).isbn, '9780306406157', isbn);
    }
    for (const other of ['9780306406158', '1984', '0306406153', '12345678901234', '1234567']) {
      assert.equal(parseQuery(other).isbn, null, other);
    }
  });

  it('looks at 32 words and no more', () => {
    const many = Array.from({ length: 99 }, (_, index) => `w${index}`).join(' ');
    assert.equal(parseQuery(many).words.length, 32);
  });

  it('lets a single Chinese or Japanese character begin a pair anywhere in the query', () => {
    assert.equal(expressionOf('猫 book'), '"猫"* "book"*');
  });

  it('leaves a very long word whole', () => {
    const word = 'x'.repeat(200);
    assert.equal(expressionOf(word), `"${word}"*`);
  });
});
