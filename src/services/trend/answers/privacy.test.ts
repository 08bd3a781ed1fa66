import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Book } from '../../../events/book.ts';
import { countingKey } from '../../../text/words.ts';
import { createPrivacyRule, type QueryFacts } from './privacy.ts';

const gatsby: Book = {
  id: 1,
  title: 'The Great Gatsby',
  author: 'F. Scott Fitzgerald',
  series: 'Penguin Classics',
  subjects: ['Wealth', 'Long Island'],
};
const books: readonly Book[] = [
  gatsby,
  { id: 2, title: "Ender's Game", author: 'Orson Scott Card' },
  { id: 3, title: "O'Brien's Dictionary", author: 'Émile Zola' },
  { id: 4, title: '戦争と平和', author: 'レフ・トルストイ' },
  { id: 5, title: '1984', author: 'George Orwell' },
  { id: 6, title: 'Snømannen', author: 'Jo Nesbø' },
  { id: 7, title: 'The Qurʾān, C++ and P', author: 'J. R. R. Tolkien' },
];

/** What a query is shown as when it found all of these books; ten readers are enough for any other. */
const shown = (
  label: string,
  {
    distinctReaders = 1,
    ...facts
  }: Partial<Omit<QueryFacts, 'distinctReaders'>> & { readonly distinctReaders?: number } = {},
  blockedWords: readonly string[] = [],
) => {
  const query = createPrivacyRule({ minimumReaders: 10, blockedWords, isPublic: () => false })({
    key: countingKey(label),
    spellings: [{ label, readers: 1, places: 1 }],
    spellingReaders: 1,
    corrected: null,
    books,
    places: 2 ** Math.min(30, distinctReaders) - 1,
    distinctReaders: { '3h': distinctReaders, '24h': distinctReaders },
    ...facts,
  });
  return query === null || query.isHidden ? null : query.label;
};

const allShown = (...labels: readonly string[]): void => {
  for (const label of labels) assert.equal(shown(label), label);
};
const allHidden = (facts: Parameters<typeof shown>[1], ...labels: readonly string[]): void => {
  for (const label of labels) assert.equal(shown(label, facts), null, label);
};

describe('the privacy rule', () => {
  it('shows words of a book it found, from title, author, series or subject', () => {
    allShown('gatsby', 'fitzgerald gatsby', 'penguin great', 'WEALTH Gatsby!', 'long island');
  });

  it('shows a word as its beginning from three letters on, but not as its middle or end', () => {
    allShown('gat', 'gatsb fitz');
    allHidden({}, 'ga', 'gatsby fi', 'atsby', 'gatsbyy');
  });

  it('hides a query when no book has all of its words', () => {
    allHidden({}, 'gatsby orwell', 'gatsby my neighbour anna', 'anna', 'orwell zola');
    assert.equal(shown('gatsby', { books: [] }), null);
  });

  it('ignores stop words, but not in a query of nothing else', () => {
    allShown('a book by the fitzgerald', 'the');
    allHidden({}, 'my', 'the novel');
  });

  it('treats possessives and plurals as the word', () => {
    allShown(
      "gatsby's",
      'enders game',
      'ender game',
      "ender's game",
      'ender’s',
      'gatsbys',
      "o'brien",
      'obriens',
      "o'brien's",
    );
  });

  it('shows a query under the words that search found the book by', () => {
    allShown('jo nesbo', 'snomannen nesbø', 'jrr tolkien', 'J.R.R. Tolkien', 'quran', 'c++');
    allHidden({}, 'c#');
  });

  it('takes accents and scripts without spaces as readers type them', () => {
    allShown('emile', 'ÉMILE', 'zolá', '平和', '戦争', '戦');
    allHidden({}, '平成');
  });

  it('shows the corrected spelling where that names a book', () => {
    assert.equal(shown('gatzby', { corrected: 'gatsby' }), 'gatsby');
    assert.equal(shown('gatsby', { corrected: 'orwell' }), 'gatsby');
    assert.equal(shown('jon smith', { corrected: 'john smith' }), null);
  });

  it('shows anything that enough readers searched for', () => {
    assert.equal(shown('jon smith', { distinctReaders: 9 }), null);
    assert.equal(shown('jon smith', { distinctReaders: 10 }), 'jon smith');
    assert.equal(shown('jon smith', { corrected: 'john smith', distinctReaders: 10 }), 'jon smith');
  });

  it('never shows what looks like a mail address', () => {
    const mails = ['ann@example.com', 'ann @ example', 'ann@gatsby', 'ann\uFF20example.com', 'mail to:ann@localhost'];
    allHidden({ distinctReaders: 1_000 }, ...mails);
    assert.equal(shown('@', { distinctReaders: 10 }), '@');
    assert.equal(shown('gatsby', { corrected: 'gatsby@home', distinctReaders: 1_000 }), null);
  });

  it('never shows what looks like a telephone number', () => {
    const numbers = [
      '0301234567',
      '+49 (0)30 123-45-67',
      '030/123 45 67',
      '555.123.4567',
      '٠٣٠١٢٣٤٥٦٧',
      '０３０１２３４５６７',
    ];
    allHidden(
      { distinctReaders: 1_000 },
      ...numbers,
      'call 5551234567 gatsby',
      '030–1234567',
      '19841985',
      '1984 5551234',
      '030\u00AD123\u200B4567',
    );
  });

  it('shows years and short numbers', () => {
    for (const label of ['1984', '1914 1918', '1914-1918', '1984 2001 1066', '20000', '123456']) {
      assert.equal(shown(label, { distinctReaders: 10 }), label);
    }
    allShown('1984', 'orwell 1984');
  });

  it('never shows blocked words and phrases, in whatever spelling', () => {
    const blocked = ['Damn', 'long island', '?!', ' '];
    for (const label of ['damn', 'DÁMN gatsby', 'oh, damn!', 'Long-Island', 'a long island trip']) {
      assert.equal(shown(label, { distinctReaders: 1_000 }, blocked), null, label);
    }
    assert.equal(shown('gatsby', { corrected: 'long island' }, blocked), null);
    for (const label of ['damned', 'island long', 'long', 'gatsby']) {
      assert.equal(shown(label, { distinctReaders: 10 }, blocked), label);
    }
  });

  it('shows a query that names no book only when it comes from as many places', () => {
    assert.equal(shown('jon smith', { distinctReaders: 40, places: 2 ** 9 - 1 }), null);
    assert.equal(shown('jon smith', { distinctReaders: 40, places: 2 ** 10 - 1 }), 'jon smith');
  });

  it('shows a spelling of a public shop from three places on, and never a disguise', () => {
    const rule = createPrivacyRule({ minimumReaders: 10, blockedWords: [] });
    const labelled = (label: string, places: number) => {
      const facts = { corrected: null, books, places, distinctReaders: { '3h': 1, '24h': 1 } };
      return rule({ ...facts, key: 'gatsby', spellings: [{ label, readers: 3, places }], spellingReaders: 3 })?.label;
    };
    assert.equal(labelled('Gatsby', 0b11), 'gatsby');
    assert.equal(labelled('Gatsby', 0b111), 'Gatsby');
    for (const disguise of ['Gats\u200Bby', 'G\u0301\u0302\u0303atsby', 'Gatsby!!!!', '<<<<gatsby']) {
      assert.equal(labelled(disguise, 0b111), 'gatsby', disguise);
    }
  });
});
