import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cutTo, oneLine, paragraphs, toLanguage, toPublishedAt } from './book-fields.ts';
import { titleKey } from './book-identity.ts';
import { toIsbn13 } from '../../../text/authors-and-isbn.ts';

describe('ISBN', () => {
  it('reads ISBN-13 and ISBN-10, with hyphens, X, and leading zeros lost', () => {
    assert.equal(toIsbn13('978-0-439-02348-1'), '9780439023481');
    assert.equal(toIsbn13('0439023483'), '9780439023481');
    assert.equal(toIsbn13('439023483'), '9780439023481');
    assert.equal(toIsbn13('0-8044-2957-x'), '9780804429573');
  });

  it('refuses wrong check digits and what is no ISBN', () => {
    for (const text of ['9780439023482', '0439023484', '', '0', '0000000000', '9.78043902348e+12', '9770439023480']) {
      assert.equal(toIsbn13(text), null, text);
    }
  });

  it('refuses every ISBN-13 with one digit changed', () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(digits, fc.integer({ min: 3, max: 12 }), fc.integer({ min: 1, max: 9 }), (body, at, by) => {
        const start = `978${body.join('')}`;
        const isbn = Array.from({ length: 10 }, (_, check) => toIsbn13(start + check)).find((found) => found !== null)!;
        const wrong = isbn.slice(0, at) + ((Number(isbn[at]) + by) % 10) + isbn.slice(at + 1);
        assert.equal(toIsbn13(wrong), null);
      }),
    );
  });
});

describe('a date of publication', () => {
  it('is a year, a month or a day that existed', () => {
    for (const text of ['1925', '1925-04', '1925-04-10', '2000-02-29', '-720']) assert.equal(toPublishedAt(text), text);
    assert.equal(toPublishedAt('0975'), '975');
    assert.equal(toPublishedAt('-0720'), '-720');
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      '0',
      '0000',
      '12345',
      '1925-13',
      '1925-00',
      '1900-02-29',
      '1925-04-31',
      '1925-4-1',
      'MCM',
    ]) {
      assert.equal(toPublishedAt(text), null, text);
    }
  });
});

describe('a language', () => {
  it('is a tag in its canonical form', () => {
    for (const [text, tag] of [
      ['eng', 'en'],
      ['EN-us', 'en-US'],
      ['pt_BR', 'pt-BR'],
      ['ger', 'de'],
    ] as const)
      assert.equal(toLanguage(text), tag);
    for (const text of ['', 'e', 'English', 'en-', 'en--US', 'x'.repeat(50)]) assert.equal(toLanguage(text), null);
  });
});

describe('text of books', () => {
  it('has no control characters, and paragraphs only where they belong', () => {
    assert.equal(oneLine(' a\u0000b\r\n\tc '), 'a b c');
    assert.equal(paragraphs('a\r\n\r\nb\u0007c'), 'a\n\nb c');
    assert.equal(oneLine('e\u0301'), 'é');
  });

  it('is cut to its length and never inside a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (text, length) => {
        const cut = cutTo(text, length);
        assert.ok(cut.length <= length && cut.isWellFormed());
      }),
    );
  });
});

const key = (title: string, author: string, published_at: string | null): string =>
  titleKey({ title, author, published_at });

describe('the identity of title, first author and year', () => {
  it('does not mind case, marks, punctuation, an article, other authors or the day', () => {
    const emile = key('Émile, or On Education', 'Jean-Jacques Rousseau', '1762');
    assert.equal(key('emile: Or on education', 'JEAN JACQUES ROUSSEAU, Allan Bloom', '1762-05-22'), emile);
    assert.equal(key('Poems', 'Bronto, Anne', '1846'), key('Poems', 'Anne Bronto', '1846'));
    assert.equal(key('The Hobbit', 'J.R.R. Tolkien', '1937'), key('Hobbit', 'J. R. R. Tolkien', '1937'));
  });

  it('tells other titles, authors and years apart', () => {
    const emma = key('Emma', 'Jane Austen', '1815');
    assert.notEqual(key('Emma 2', 'Jane Austen', '1815'), emma);
    assert.notEqual(key('Emma', 'Alexander McCall Smith', '1815'), emma);
    assert.notEqual(key('Emma', 'Jane Austen', '2014'), emma);
    assert.notEqual(key('???', '', null), key('!!!', '', null));
    assert.notEqual(key('パパの話', '山田太郎', '2001'), key('ハハの話', '山田太郎', '2001'));
    assert.equal(new Set(['C', 'C++', 'C#'].map((name) => key(`${name} in a Nutshell`, 'Ray Lisch', '2003'))).size, 3);
    assert.notEqual(key('Poems', 'Bronto, Anne', '1846'), key('Poems', 'Bronto, Emily', '1846'));
  });
});
