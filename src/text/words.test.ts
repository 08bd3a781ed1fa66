import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { numberIn } from './english-words.ts';
import { foldText, cutWords, isBlank } from './words.ts';

const own = (text: string): string[] =>
  cutWords(text)
    .filter(({ extra }) => !extra)
    .map(({ word }) => word);
const extras = (text: string): string[] =>
  cutWords(text)
    .filter(({ extra }) => extra)
    .map(({ word }) => word);

it('knows a text of which nobody sees anything', () => {
  for (const text of ['', ' \t', '\u200B', '\u00AD \uFEFF', '\u202E\u2066', '\u3164'])
    assert.ok(isBlank(text), JSON.stringify(text));
  for (const text of ['\u200BEmma', '!', '\u{1F468}\u200D\u{1F469}']) assert.ok(!isBlank(text), JSON.stringify(text));
});

it('reads numbers said in several words', () => {
  for (const [said, digits] of [
    ['four fifty one', '451'],
    ['nineteen eighty four', '1984'],
    ['twenty two', '22'],
    ['two thousand and one', '2001'],
    ['one hundred and one dalmatians', '101'],
    ['three hundred sixty five', '365'],
    ['five thousand two hundred', '5200'],
  ] as const)
    assert.equal(numberIn(said.split(' '), 0)?.digits, digits, said);
  assert.deepEqual(numberIn(['catch', 'twenty', 'two', 'now'], 1), { digits: '22', groups: ['22'], end: 3 });
  for (const said of ['two', 'two towers', 'hundred years', 'first second', '2 2', 'two and a half'])
    assert.equal(numberIn(said.split(' '), 0), null, said);
});

describe('cutting words', () => {
  it('folds case, diacritics, ligatures and full-width forms', () => {
    assert.deepEqual(own('Les Misérables'), ['les', 'miserables']);
    assert.deepEqual(own('Jo Nesbø, Łódź, Straße, ﬁn, ＡＢＣ'), ['jo', 'nesbo', 'lodz', 'strasse', 'fin', 'abc']);
    assert.deepEqual(own('ΟΔΥΣΣΕΥΣ'), own('οδυσσεύς'));
    assert.equal(foldText('İstanbul'), 'istanbul');
  });

  it('gives composed and decomposed letters the same word', () => {
    assert.deepEqual(own('caf\u00e9'), own('cafe\u0301'));
    assert.deepEqual(own('\u304c'), own('\u304b\u3099'));
  });

  it('keeps what an apostrophe or a thousands comma divides together, and knows the parts', () => {
    assert.deepEqual(own("Philosopher's"), ['philosophers']);
    assert.deepEqual(extras('Philosopher’s'), ['philosopher', 's']);
    assert.deepEqual(own('20,000 Leagues'), ['20000', 'leagues']);
    assert.deepEqual(extras('20,000 Leagues'), ['20', '000']);
    assert.deepEqual(own('1,2 and 3,4567'), ['1', '2', 'and', '3', '4567']);
  });

  it('divides at hyphens, and knows the joined word', () => {
    assert.deepEqual(own('Spider-Man'), ['spider', 'man']);
    assert.deepEqual(extras('Spider-Man'), ['spiderman']);
  });

  it('knows initials as one word', () => {
    assert.deepEqual(own('J. R. R. Tolkien'), ['j', 'r', 'r', 'tolkien']);
    assert.deepEqual(extras('J.R.R. Tolkien'), ['jrr']);
  });

  it('knows numbers in words and in digits, but not those of a series', () => {
    assert.deepEqual(extras('Five of the 50, the fifth and 3rd of a hundred'), ['5', 'fifty', '5th', 'third', '100']);
    assert.deepEqual(extras('Part II, 12'), ['pt', '2', 'two', 'xii', 'twelve']);
    assert.deepEqual(extras('Spares #5'), []);
  });

  it('cuts Chinese, Japanese and Korean into pairs of characters', () => {
    assert.deepEqual(own('吾輩は猫'), ['吾輩', '輩は', 'は猫']);
    assert.deepEqual(extras('吾輩は猫'), ['猫']);
    assert.deepEqual(own('猫'), ['猫']);
    assert.deepEqual(own('1984年abc版'), ['1984', '年', 'abc', '版']);
    assert.deepEqual(own('𠮷野家'), ['𠮷野', '野家']);
  });

  it('keeps words of right-to-left and Indic scripts whole', () => {
    assert.deepEqual(own('مُحَمَّد'), own('محمد'));
    assert.deepEqual(own('שָׁלוֹם'), ['שלום']);
    assert.deepEqual(own('हिन्दी किताब'), ['हिन्दी', 'किताब']);
  });

  it('keeps the symbols of short words, and an ampersand as the word it stands for', () => {
    assert.deepEqual(own('C++, C# and F#; R&D'), ['c++', 'c#', 'and', 'f#', 'r', 'and', 'd']);
    assert.deepEqual(extras('C++, C# and F#'), ['c', 'c', 'f']);
    assert.deepEqual(own('.NET, ASP.NET, C++17'), ['.net', 'asp', '.net', 'c++', '17']);
    assert.deepEqual(own('war+peace, Google+ 1+1'), ['war', 'peace', 'google', '1', '1']);
  });

  it('finds nothing in punctuation, emoji and lone surrogates', () => {
    for (const text of ['', '  ', '*"()-^:', '🐉📚', '\ud800', '…—·']) assert.deepEqual(cutWords(text), []);
  });

  it('says where each word stands', () => {
    const text = 'Ünder the Oak-Tree, 吾輩は';
    const places = Object.fromEntries(cutWords(text).map(({ word, start, end }) => [word, text.slice(start, end)]));
    assert.deepEqual(places, {
      under: 'Ünder',
      uender: 'Ünder',
      the: 'the',
      oak: 'Oak',
      tree: 'Tree',
      oaktree: 'Oak-Tree',
      吾輩: '吾輩',
      輩は: '輩は',
      は: 'は',
    });
  });

  it('cuts its own words into themselves, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        for (const { word, start, end } of cutWords(text)) {
          assert.match(word, /^\.?[\p{L}\p{N}\p{M}]+(?:[+]{1,2}|#)?$/u);
          assert.ok(start >= 0 && start < end && end <= text.length);
        }
        assert.deepEqual(own(text.normalize('NFC')), own(text.normalize('NFD')));
      }),
      { numRuns: 500 },
    );
  });
});
