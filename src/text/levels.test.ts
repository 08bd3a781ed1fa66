import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { authorKey, authorKeys, splitAuthors, toIsbn13 } from './authors-and-isbn.ts';
import { countingKey, identityKey, cutWords } from './words.ts';

const levels = ['finding', 'counting', 'identity'] as const;
type Level = (typeof levels)[number];

/** Two texts, and at which levels they are equal. Finding: every word of the second is a word of the first. */
const examples: readonly (readonly [one: string, other: string, equalAt: readonly Level[]])[] = [
  ['Émile Zola', ' EMILE,  ZOLA!', ['finding', 'counting', 'identity']],
  ['ﬁnn Ⅳ ＡＢＣ', 'finn iv abc', ['finding', 'counting', 'identity']],
  ['Jo Nesbø', 'jo nesbo', ['finding', 'counting', 'identity']],
  ['Jo Nesbø', 'jo nesboe', ['finding']],
  ['Herta Müller', 'herta mueller', ['finding']],
  ['Die Straße', 'die strasse', ['finding', 'counting', 'identity']],
  ['J.R.R. Tolkien', 'jrr tolkien', ['finding', 'counting', 'identity']],
  ['J. R. R. Tolkien', 'J R R Tolkien', ['finding', 'counting', 'identity']],
  ["Ender's Game", 'enders game', ['finding', 'counting', 'identity']],
  ["Ender's Game", 'ender game', ['finding']],
  ['Spider-Man', 'spider man', ['finding', 'counting', 'identity']],
  ['Spider-Man', 'spiderman', ['finding']],
  ['20,000 Leagues', '20000 leagues', ['finding', 'counting', 'identity']],
  ['Pride & Prejudice', 'pride and prejudice', ['finding', 'counting', 'identity']],
  ['Wörter\u00ADbuch der Meere', 'wörterbuch der meere', ['finding', 'counting', 'identity']],
  ['The Qurʾān Explained', 'the quran explained', ['finding', 'counting', 'identity']],
  ["The Qur'an Explained", 'the quran explained', ['finding', 'counting', 'identity']],
  ['ʿAlī Ḥasan', 'ali hasan', ['finding', 'counting', 'identity']],
  ['مدرسة الحياة', 'مدرسه الحياه', ['finding', 'counting', 'identity']],
  ['على', 'علي', ['finding', 'counting', 'identity']],
  ['کتاب', 'كتاب', ['finding', 'counting', 'identity']],
  ['أحمد إلياس', 'احمد الياس', ['finding', 'counting', 'identity']],
  ['الكتـــاب', 'الكتاب', ['finding', 'counting', 'identity']],
  ['می\u200Cخواهم ۱۲', 'میخواهم 12', ['finding', 'counting', 'identity']],
  ['שָׁלוֹם', 'שלום', ['finding', 'counting', 'identity']],
  ['צה״ל', 'צהל', ['finding', 'counting', 'identity']],
  ['パパの話', 'ハハの話', []],
  ['ガラス', 'ガラス'.normalize('NFD'), ['finding', 'counting', 'identity']],
  ['ﾊﾟﾊﾟ', 'パパ', ['finding', 'counting', 'identity']],
  ['कि', 'की', []],
  ['ข่าว', 'ข้าว', []],
  ['เจ้าชายน้อย', 'น้อย', ['finding']],
  ['C++ in a Nutshell', 'C in a Nutshell', ['finding']],
  ['C# in a Nutshell', 'c in a nutshell', ['finding']],
  ['C++ in a Nutshell', 'C# in a Nutshell', []],
  ['Learning ASP.NET', 'learning asp .net', ['finding', 'counting', 'identity']],
  ['Pro .NET', 'pro net', ['finding']],
  ['♥ Love', 'love', ['finding', 'counting']],
  ['100% Wolf', '100 wolf', ['finding', 'counting']],
  ['Dune (Dune #1)', 'dune dune 1', ['finding', 'counting', 'identity']],
  ['Samsa™', 'samsa', ['finding', 'counting', 'identity']],
  ['??? ', '???', ['finding', 'counting', 'identity']],
  ['???', '!!!', ['finding']],
  ['❤️‍🔥', '$', ['finding']],
  ['война', 'voina', []],
];

const equal: Readonly<Record<Level, (one: string, other: string) => boolean>> = {
  finding: (one, other) => {
    const known = new Set(cutWords(one).map(({ word }) => word));
    return cutWords(other).every(({ word, extra }) => extra || known.has(word));
  },
  counting: (one, other) => countingKey(one) === countingKey(other),
  identity: (one, other) => identityKey(one) === identityKey(other),
};

describe('the levels of equality', () => {
  it('agree with the table of examples', () => {
    for (const [one, other, equalAt] of examples) {
      const equalHere = levels.filter((level) => equal[level](one, other));
      assert.deepEqual(equalHere, equalAt, `${one} and ${other}`);
    }
  });

  it('give a key that is its own key, and one for all normal forms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        assert.equal(countingKey(countingKey(text)), countingKey(text));
        assert.equal(countingKey(text.normalize('NFD')), countingKey(text.normalize('NFC')));
      }),
      { numRuns: 500 },
    );
  });

  it('never give an empty key for a text', () => {
    for (const text of ['\u0301', '?!', '\u00AD', '™', 'ʾ']) {
      assert.notEqual(countingKey(text), '', JSON.stringify(text));
      assert.notEqual(identityKey(text), '', JSON.stringify(text));
    }
  });
});

describe('an author line', () => {
  it('is split into names', () => {
    const lines: readonly (readonly [line: string, ...names: string[]])[] = [
      ['Neil Gaiman, Terry Pratchett', 'Neil Gaiman', 'Terry Pratchett'],
      ['Tolkien, J. R. R.', 'Tolkien, J. R. R.'],
      ['Le Guin, Ursula K.', 'Le Guin, Ursula K.'],
      ['García Márquez, Gabriel', 'García Márquez, Gabriel'],
      ['Conan Doyle, Arthur I.', 'Conan Doyle, Arthur I.'],
      ['Gaiman, Neil; Pratchett, Terry', 'Gaiman, Neil', 'Pratchett, Terry'],
      ['Gaiman, Neil, Pratchett, Terry', 'Gaiman, Neil', 'Pratchett, Terry'],
      ['Gaiman, Neil and Pratchett, Terry', 'Gaiman, Neil', 'Pratchett, Terry'],
      ['Homer, Robert Fagles, Bernard Knox', 'Homer', 'Robert Fagles', 'Bernard Knox'],
      ['Ann Lee, Bo Chu AND Cy Dee', 'Ann Lee', 'Bo Chu', 'Cy Dee'],
      ['Ann Lee & Bo Chu with Cy Dee', 'Ann Lee', 'Bo Chu', 'Cy Dee'],
      ['Ann Lee/Bo Chu', 'Ann Lee', 'Bo Chu'],
      ['AC/DC', 'AC/DC'],
      ['Martin Luther King, Jr.', 'Martin Luther King, Jr.'],
      ['Dumas, Alexandre, fils, Lee, Ann', 'Dumas, Alexandre, fils', 'Lee, Ann'],
      ['Austen, Jane, 1775-1817', 'Austen, Jane'],
      ['Stephen King (Author), Jo Doe (Illustrator)', 'Stephen King', 'Jo Doe'],
      ['山田太郎, 鈴木一郎', '山田太郎', '鈴木一郎'],
      ['刘慈欣、王晋康', '刘慈欣', '王晋康'],
      ['Ann Lee, Ann Lee', 'Ann Lee'],
      [' '],
      ['Plato', 'Plato'],
    ];
    for (const [line, ...names] of lines) assert.deepEqual(splitAuthors(line), names, line);
  });

  it('has one key for a name, whichever way round it stands', () => {
    for (const [name, other] of [
      ['Le Guin, Ursula K.', 'Ursula K. Le Guin'],
      ['Tolkien, J. R. R.', 'JRR Tolkien'],
      ['King, Martin Luther, Jr.', 'martin luther king'],
      ['Martin Luther King, Jr.', 'Martin Luther King'],
      ['King, Jr., Martin Luther', 'Martin Luther King Jr'],
      ['Holmes, Oliver Wendell, Sr.', 'Oliver Wendell Holmes (senior)'],
      ['King, Martin Luther, III', 'Martin Luther King III'],
      ['Dumas, Alexandre, père', 'Alexandre Dumas (père)'],
      ['Dumas (fils), Alexandre', 'Alexandre Dumas fils'],
      ['Pliny (the Elder)', 'Pliny, the Elder'],
      ['Ramanujan, V.', 'V. Ramanujan'],
      ['Nesbø, Jo', 'jo nesbo'],
    ] as const) {
      assert.equal(authorKey(name), authorKey(other), name);
    }
    assert.notEqual(authorKey('Bronto, Anne'), authorKey('Bronto, Emily'));
    for (const [name, other] of [
      ['Dumas, Alexandre (père)', 'Dumas, Alexandre (fils)'],
      ['Holmes, Oliver Wendell, Sr.', 'Holmes, Oliver Wendell, Jr.'],
      ['Martin Luther King, III', 'Martin Luther King, Jr.'],
      ['Pliny (the Elder)', 'Pliny (the Younger)'],
      ['Strauss, Johann (Vater)', 'Strauss, Johann (Sohn)'],
      ['Иванов, Иван (младший)', 'Иванов, Иван (старший)'],
    ] as const) {
      assert.notEqual(authorKey(name), authorKey(other), name);
    }
    assert.deepEqual(authorKeys('—'), []);
  });
});

describe('an ISBN', () => {
  it('is ISBN-13, however it is written', () => {
    for (const text of ['9780306406157', '978-0-306-40615-7', '0-306-40615-2', '306406152']) {
      assert.equal(toIsbn13(text), '9780306406157', text);
    }
    assert.equal(toIsbn13('080442957x'), '9780804429573');
    for (const text of ['9780306406158', '0', '000000000X', 'abc']) assert.equal(toIsbn13(text), null, text);
  });
});
