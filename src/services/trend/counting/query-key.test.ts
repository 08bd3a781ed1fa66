import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { queryKey } from './query-key.ts';

const spellings = (...queries: readonly string[]): ReadonlySet<string> => new Set(queries.map(queryKey));

describe('query key', () => {
  it('is the same for upper and lower case, marks, punctuation and spaces of any kind', () => {
    assert.deepEqual(
      spellings('Émile Zola', 'emile  zola', ' EMILE, ZOLA! ', 'e\u0301mile\u00A0zola', '«emile—zola»'),
      new Set(['emile zola']),
    );
  });

  it('is the same for compatible characters', () => {
    assert.deepEqual(spellings('ﬁnn', 'FINN', 'ｆｉｎｎ', 'fi\u200Bnn', 'fi\u00ADnn'), new Set(['finn']));
    assert.equal(queryKey('Ⅳ'), 'iv');
  });

  it('keeps symbols and scripts apart', () => {
    assert.equal(spellings('c', 'c++', 'c#').size, 2, 'a hash is punctuation to Unicode, a plus is a symbol');
    assert.equal(spellings('война', 'voina', '戦争', '戦').size, 4);
    assert.equal(queryKey('가나'.normalize('NFD')), '가나');
  });

  it('is the query itself when there is nothing but punctuation or marks', () => {
    assert.equal(queryKey(' ?! '), '?!');
    assert.equal(spellings('?', '!', '...').size, 3);
    assert.notEqual(queryKey('\u0301'), '');
  });

  it('is its own key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (query) => {
        const key = queryKey(query);
        assert.equal(queryKey(key), key);
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the normal form a keyboard sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (query) => {
        assert.equal(queryKey(query.normalize('NFD')), queryKey(query.normalize('NFC')));
      }),
    );
  });
});
