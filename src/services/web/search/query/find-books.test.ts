import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Book } from '../../../../events/book.ts';
import { openShelf, type OpenShelf } from '../../../../../test/support/open-shelf.ts';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { foldText } from '../../../../text/words.ts';
import type { SearchFilters } from './facets.ts';
import { findBooks, type SearchRequest } from './find-books.ts';
import { suggestBooks } from './suggest-books.ts';

const shelf: readonly Omit<Book, 'id'>[] = [
  {
    title: 'The Hobbit',
    author: 'J. R. R. Tolkien',
    published_at: '1937',
    language: 'en',
    popularity: 900,
    subjects: ['Fantasy'],
  },
  {
    title: 'The Silmarillion',
    author: 'J. R. R. Tolkien',
    published_at: '1977',
    language: 'en',
    popularity: 300,
    subjects: ['Fantasy'],
  },
  {
    title: 'The Great Gatsby',
    author: 'F. Scott Fitzgerald',
    published_at: '1925-04-10',
    language: 'en',
    popularity: 800,
    subjects: ['Classics'],
    isbn: '9780306406157',
  },
  {
    title: "Harry Potter and the Philosopher's Stone",
    author: 'J.K. Rowling, Mary GrandPré',
    published_at: '1997',
    language: 'en',
    popularity: 990,
    subjects: ['Fantasy', 'Schools'],
  },
  {
    title: 'Les Misérables',
    author: 'Victor Hugo',
    published_at: '1862',
    language: 'fr',
    popularity: 500,
    subjects: ['Classics'],
  },
  { title: '吾輩は猫である', author: '夏目漱石', published_at: '1905', language: 'ja', popularity: 100, subjects: [] },
  { title: 'ألف ليلة وليلة', author: 'Anonymous', language: 'ar', popularity: 90, subjects: ['Folk tales'] },
  {
    title: 'War and Peace',
    author: 'Leo Tolstoy',
    published_at: '1869',
    language: 'en',
    popularity: 400,
    subjects: ['Classics'],
  },
];

const anything: SearchFilters = { authors: [], subjects: [], languages: [], from: null, to: null };

describe('finding books', () => {
  let folder = '';
  let index: OpenShelf;
  before(() => {
    folder = makeTemporaryFolder();
    index = openAs('shelf', shelf);
  });
  after(() => {
    index.close();
  });

  const openAs = (name: string, books: readonly Omit<Book, 'id'>[]): OpenShelf =>
    openShelf(join(folder, `${name}.sqlite`), books);
  const find = (text: string, request: Partial<SearchRequest> = {}) =>
    findBooks(index, index.vocabulary, { text, offset: 0, limit: 10, ...request });
  const titles = (text: string, request: Partial<SearchRequest> = {}): string[] =>
    find(text, request).bookIds.map((id) => shelf[id - 1]!.title);

  it('finds by title, author and subject, with the last word unfinished', () => {
    assert.deepEqual(titles('gatsby'), ['The Great Gatsby']);
    assert.deepEqual(titles('tolkien'), ['The Hobbit', 'The Silmarillion']);
    assert.deepEqual(titles('fantasy rowl'), ["Harry Potter and the Philosopher's Stone"]);
    assert.deepEqual(titles('tol'), ['The Hobbit', 'War and Peace', 'The Silmarillion']);
  });

  it('does not care for case, diacritics, apostrophes or the order of words', () => {
    for (const query of ['LES MISERABLES', 'misérables', 'hugo mise\u0301rables'])
      assert.deepEqual(titles(query), ['Les Misérables']);
    for (const query of ['philosophers stone', "philosopher's stone", 'stone philosopher', 'jk rowling', 'grandpre']) {
      assert.deepEqual(titles(query), ["Harry Potter and the Philosopher's Stone"], query);
    }
  });

  it('finds words of scripts without spaces and of right-to-left scripts', () => {
    for (const query of ['猫', '吾輩は', '漱石', 'である']) assert.deepEqual(titles(query), ['吾輩は猫である'], query);
    assert.deepEqual(titles('ليلة ألف'), ['ألف ليلة وليلة']);
  });

  it('finds invisible and variant letters, symbols and initials as readers type them', () => {
    const books = [
      { title: 'Wörter\u00ADbuch der Meere', author: 'Jo Nesbø' },
      { title: 'The Qurʾān Explained', author: 'ʿAlī Ḥasan' },
      { title: 'مدرسة الحياة', author: 'إلياس على' },
      { title: 'الكتاب', author: 'Anonymous' },
      { title: 'C++ in a Nutshell', author: 'Ray Lisch' },
      { title: 'Mastering .NET', author: 'Ray Lisch' },
      { title: 'Pride & Prejudice', author: 'Jane Austen' },
      { title: 'เจ้าชายน้อย', author: 'A. S. E.' },
    ];
    const reader = openAs('letters', books);
    const found = (text: string): readonly number[] =>
      findBooks(reader, reader.vocabulary, { text, offset: 0, limit: 10 }).bookIds;
    for (const [query, id] of [
      ['wörterbuch', 1],
      ['jo nesbo', 1],
      ['nesboe', 1],
      ['quran explained', 2],
      ['ali hasan', 2],
      ['مدرسه الحياه', 3],
      ['علي', 3],
      ['الكتـــاب', 4],
      ['c++', 5],
      ['c', 5],
      ['nutshell+', 5],
      ['.net', 6],
      ['pride and prejudice', 7],
      ['น้อย', 8],
      ['ase', 8],
    ] as const) {
      assert.deepEqual(found(query), [id], query);
    }
    assert.deepEqual(found('c#'), [5]);
    assert.deepEqual(found('a++'), []);
    reader.close();
  });

  it('takes a name with its surname first for one author, by whichever spelling it is filtered', () => {
    const reader = openAs('names', [
      { title: 'The Left Hand of Darkness', author: 'Le Guin, Ursula K.' },
      { title: 'Darkness and Light', author: 'Ursula K. Le Guin; Ann Lee' },
    ]);
    const search = (author: string | null) =>
      findBooks(reader, reader.vocabulary, {
        text: 'darkness',
        offset: 0,
        limit: 10,
        ...(author === null ? {} : { filters: { ...anything, authors: [author] } }),
        withFacets: true,
      });
    assert.deepEqual(search(null).facets?.author, [
      { value: 'Le Guin, Ursula K.', count: 2 },
      { value: 'Ann Lee', count: 1 },
    ]);
    for (const author of ['Le Guin, Ursula K.', 'Ursula K. Le Guin']) assert.equal(search(author).total, 2, author);
    assert.deepEqual(search('Ursula K. Le Guin; Ann Lee').bookIds, [2]);
    reader.close();
  });

  it('goes straight to the book for an ISBN, written in any way', () => {
    for (const isbn of ['978-0-306-40615-7', '0306406152', 'ISBN10 0306406152', 'isbn-13: 978 0306406157'])
      assert.deepEqual(titles(isbn), ['The Great Gatsby'], isbn);
    assert.deepEqual(titles('9791034304257'), []);
  });

  it('counts all books of an author, and all that match a corrected word', () => {
    const many = openAs('authors', [
      ...Array.from({ length: 700 }, (_, at) => ({ title: `King ${at}`, author: 'Ann Lee', popularity: 900 })),
      ...Array.from({ length: 5 }, (_, at) => ({ title: `Night ${at}`, author: 'Stephen King', popularity: 1 })),
      ...Array.from({ length: 300 }, (_, at) => ({ title: `Garden ${at}`, author: 'Ann Lee', popularity: 1 })),
    ]);
    const totalOf = (text: string) => {
      const { total, totalIsExact } = findBooks(many, many.vocabulary, { text, offset: 0, limit: 10 });
      return [total, totalIsExact];
    };
    assert.deepEqual(['author:king', 'author:lee', 'gardne', 'author:lee gardne'].map(totalOf), [
      [5, true],
      [1_000, true],
      [300, true],
      [300, true],
    ]);
    const last = findBooks(many, many.vocabulary, { text: 'gardne', offset: 290, limit: 20 }).bookIds;
    assert.equal(last.length, 10);
    many.close();
  });

  it('asks the author only, after author:', () => {
    assert.deepEqual(titles('author:tol'), ['The Hobbit', 'War and Peace', 'The Silmarillion']);
    assert.deepEqual(titles('author:hobbit'), []);
    assert.deepEqual(titles('silmarillion author:tolkien'), ['The Silmarillion']);
  });

  it('leaves out words when no book has all of them, and names them', () => {
    const found = find('hobbit zanzibar');
    assert.deepEqual(found.bookIds, [1]);
    assert.deepEqual(found.dropped, ['zanzibar']);
    assert.deepEqual(find('xyzzy plugh').dropped, []);
    assert.equal(find('xyzzy plugh').total, 0);
  });

  it('gives the most popular books when nothing is typed, and none for punctuation alone', () => {
    assert.deepEqual(titles('', { limit: 3 }), [
      "Harry Potter and the Philosopher's Stone",
      'The Hobbit',
      'The Great Gatsby',
    ]);
    assert.equal(find('').total, shelf.length);
    for (const query of ['***', '"', '%', '🐉', '( )', '--']) assert.deepEqual(titles(query), [], query);
  });

  it('answers whatever is typed', () => {
    const parts = [
      '"',
      "'",
      '*',
      '(',
      ')',
      '-',
      '^',
      ':',
      'NEAR(',
      'AND',
      'OR',
      'NOT',
      'title:',
      'author:',
      '%',
      '_',
      ';',
      '\\',
      'hobbit',
      'é',
      '猫',
    ];
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 200 }),
          fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((some) => some.join(' ')),
          fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((some) => some.join('')),
        ),
        fc.boolean(),
        (text, withFacets) => {
          const { total, bookIds } = find(text, { withFacets });
          assert.ok(bookIds.length <= total);
          suggestBooks(index, index.vocabulary, text);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('filters by author, subject, language and years, whatever their case', () => {
    assert.deepEqual(titles('the', { filters: { ...anything, authors: ['j. r. r. TOLKIEN'] } }), [
      'The Hobbit',
      'The Silmarillion',
    ]);
    assert.deepEqual(titles('the', { filters: { ...anything, authors: ['Tolkien'] } }), []);
    assert.deepEqual(titles('', { filters: { ...anything, subjects: ['schools'] } }), [
      "Harry Potter and the Philosopher's Stone",
    ]);
    assert.deepEqual(titles('', { filters: { ...anything, languages: ['fr'] } }), ['Les Misérables']);
    assert.deepEqual(titles('', { filters: { ...anything, from: 1862, to: 1905 } }), [
      'Les Misérables',
      'War and Peace',
      '吾輩は猫である',
    ]);
    assert.equal(find('', { filters: { ...anything, authors: ['nobody'] } }).total, 0);
  });

  it('sorts by popularity, year and title', () => {
    assert.deepEqual(titles('classics', { sort: 'newest' }), ['The Great Gatsby', 'War and Peace', 'Les Misérables']);
    assert.deepEqual(titles('classics', { sort: 'oldest' }), ['Les Misérables', 'War and Peace', 'The Great Gatsby']);
    assert.deepEqual(titles('classics', { sort: 'popularity' }), [
      'The Great Gatsby',
      'Les Misérables',
      'War and Peace',
    ]);
    assert.deepEqual(titles('classics', { sort: 'title' }), ['The Great Gatsby', 'Les Misérables', 'War and Peace']);
    assert.equal(titles('', { sort: 'oldest' }).at(-1), 'ألف ليلة وليلة');
  });

  it('counts authors, subjects and languages of what was found', () => {
    const { facets } = find('the', { withFacets: true });
    assert.deepEqual(facets?.author[0], { value: 'J. R. R. Tolkien', count: 2 });
    assert.deepEqual(facets?.subject[0], { value: 'Fantasy', count: 3 });
    assert.deepEqual(facets?.language, [{ value: 'en', count: 4 }]);
    assert.deepEqual(find('9780306406157', { withFacets: true }).total, 1);
  });

  it('pages through many matches without gaps or repeats, counting exactly up to 1,000', () => {
    const many = Array.from({ length: 1_205 }, (_, at) => ({
      title: `Common Book ${at}`,
      author: at < 3 ? 'Rare Name' : 'A',
      popularity: (at * 7) % 1_000,
    }));
    const reader = openAs('many', many);
    try {
      const page = (text: string, offset: number) => findBooks(reader, reader.vocabulary, { text, offset, limit: 30 });
      const seen = Array.from({ length: 41 }, (_, at) => page('common', at * 30).bookIds).flat();
      assert.equal(new Set(seen).size, 1_205);
      assert.equal(seen.length, 1_205);
      assert.deepEqual([page('common', 0).total, page('common', 0).totalIsExact], [1_000, false]);
      assert.deepEqual(page('common', 1_205).bookIds, []);
      assert.deepEqual(
        [...page('common rare', 0).bookIds].sort((a, b) => a - b),
        [1, 2, 3],
      );
      assert.equal(page('c', 0).bookIds.length, 30);
      const faceted = findBooks(reader, reader.vocabulary, { text: 'common', offset: 0, limit: 10, withFacets: true });
      assert.deepEqual([faceted.total, faceted.totalIsExact], [1_000, false]);
      assert.deepEqual(faceted.bookIds, page('common', 0).bookIds.slice(0, 10));
    } finally {
      reader.close();
    }
  });

  it('finds what has many matches elsewhere by a word that is common itself', () => {
    const many = Array.from({ length: 1_100 }, (_, at) => ({
      title: at === 700 ? 'The Needle' : 'The Hay',
      author: 'Of The A',
    }));
    const reader = openAs('common', many);
    try {
      assert.deepEqual(
        findBooks(reader, reader.vocabulary, { text: 'the needle of', offset: 0, limit: 10 }).bookIds,
        [701],
      );
      assert.equal(
        findBooks(reader, reader.vocabulary, { text: 'hay author:needle', offset: 0, limit: 10 }).dropped.length,
        1,
      );
    } finally {
      reader.close();
    }
  });

  it('finds exactly the books that have all words, whatever was asked before', () => {
    const vocabulary = ['owl', 'ox', 'oxen', 'hen', 'the', 'théorie'];
    const word = fc.constantFrom(...vocabulary);
    const titles = fc.sample(fc.array(word, { minLength: 1, maxLength: 4 }), { numRuns: 1_500, seed: 4 });
    const books = titles.map((words, at) => ({
      title: `${words.join(' ')} the${at < 1_200 ? ' ox' : ''}`,
      author: 'A',
      popularity: at % 40,
    }));
    const reader = openAs('exactly', books);
    const holds = (title: string, words: readonly string[]): boolean =>
      words.every((wanted, at) =>
        foldText(title)
          .split(' ')
          .some((has) => (at === words.length - 1 ? has.startsWith(foldText(wanted)) : has === foldText(wanted))),
      );
    try {
      fc.assert(
        fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 4 }), fc.boolean(), (words, forget) => {
          if (forget) reader.forget('many');
          const having = books.filter(({ title }) => holds(title, words)).length;
          const found = findBooks(reader, reader.vocabulary, { text: words.join(' '), offset: 0, limit: 1_500 });
          if (having === 0) return;
          assert.equal(found.bookIds.length, having);
          assert.deepEqual([found.total, found.totalIsExact], [Math.min(having, 1_000), having <= 1_000]);
          for (const id of found.bookIds) assert.ok(holds(books[id - 1]!.title, words));
        }),
      );
    } finally {
      reader.close();
    }
  });

  it('suggests books, authors and subjects, eight rows at most', () => {
    const suggestions = suggestBooks(index, index.vocabulary, 'tolk');
    assert.deepEqual(suggestions.authors, ['J. R. R. Tolkien']);
    assert.deepEqual(
      suggestions.books.map(({ title }) => title),
      ['The Hobbit', 'The Silmarillion'],
    );
    assert.deepEqual(suggestBooks(index, index.vocabulary, 'clas').subjects, ['Classics']);
    const all = suggestBooks(index, index.vocabulary, 't');
    assert.ok(all.books.length + all.authors.length + all.subjects.length + all.queries.length <= 8);
    for (const nothing of ['', ' ', '*', 'xyzzy'])
      assert.deepEqual(suggestBooks(index, index.vocabulary, nothing).books, []);
  });
});
