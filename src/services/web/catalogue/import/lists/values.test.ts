import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  readAuthors,
  cellText,
  readDescription,
  readIsbn,
  readLanguage,
  readPublished,
  readSeries,
  readSubjects,
} from './values.ts';
import { columnKey, findColumns } from './columns.ts';

describe('a cell of a list', () => {
  it('is empty where a program writes that it has nothing', () => {
    for (const cell of ['', ' ', '\\N', 'NULL', 'null', 'nan', 'NaN', 'None', 'N/A', '#N/A', '-', '[]']) {
      assert.equal(cellText(cell), '', cell);
    }
    assert.equal(cellText(' Life &amp; Times&#33; '), 'Life & Times!');
    assert.equal(cellText('AT&T; a <b>'), 'AT&T; a <b>');
  });

  it('has an ISBN in brackets, formulas, lists and with its name; not one that was rounded', () => {
    const isbn = '9780306406157';
    const cells = [
      '[0306406152]',
      '="0306406152"',
      'ISBN 0-306-40615-2',
      'goodreads:12,isbn:9780306406157',
      '306406152.0',
    ];
    for (const cell of [...cells, '978 0 306 40615 7', '0306406152 9780306406157']) {
      assert.equal(readIsbn([cell]), isbn, cell);
    }
    assert.equal(readIsbn(['9.78E+12', '0306406152']), isbn);
    for (const cell of ['9.78E+12', '9,78E+12', '0306406153', '123', '12.5'])
      assert.equal(readIsbn([cell]), 'unreadable', cell);
    for (const cell of ['', '[]', '=""', 'B00ABCDEFG', '0000000000', '9999999999999'])
      assert.equal(readIsbn([cell]), null, cell);
  });

  it('has a date in the ways that people write one', () => {
    const dates = {
      '2008-05-01T00:00:00+01:00': '2008-05-01',
      '2021/11/06': '2021-11-06',
      '20210506': '2021-05-06',
      '9/16/2006': '2006',
      '09/14/08': '2008',
      '09/14/98': '1998',
      'September 14th 2008': '2008',
      'c. 1850': '1850',
      '720 BC': '-720',
      '-720.0': '-720',
      'North Press (1987), 212 pages': '1987',
    };
    for (const [text, date] of Object.entries(dates)) assert.equal(readPublished(text, 2026), date, text);
    for (const text of ['0', '0.0', '0000-00-00', '0101-01-01T00:00:00+00:00'])
      assert.equal(readPublished(text, 2026), null);
    for (const text of ['8858', '1998 or 1999', 'MDCCC']) assert.equal(readPublished(text, 2026), 'unreadable', text);
  });

  it('has a language of ISO 639-1, or what is written there', () => {
    const languages = {
      eng: 'en',
      'en-US': 'en',
      German: 'de',
      deutsch: 'de',
      'deu, eng': 'de',
      'Spanish; Castilian': 'es',
    };
    for (const [text, language] of Object.entries(languages)) assert.equal(readLanguage([text]), language, text);
    assert.deepEqual(
      ['Klingonese', 'grc', 'und', "['fr']", ''].map((text) => readLanguage([text])),
      ['Klingonese', 'grc', null, 'fr', null],
    );
  });

  it('has plain text where a description is in HTML', () => {
    const html = '<div><p>A <b>bold</b> tale &amp; more.</p><script>x()</script><p>One<br/>two.</p></div>';
    assert.equal(readDescription(html), 'A bold tale & more.\n\nOne\ntwo.');
    assert.equal(readDescription('a < b &lt; c\r\nd'), 'a < b < c\nd');
  });

  it('has subjects and series', () => {
    assert.deepEqual(readSubjects(["['Young Adult', \"Children's\"]", 'a; b, c; A']), [
      'Young Adult',
      "Children's",
      'a',
      'b, c',
    ]);
    assert.deepEqual(
      [readSeries('Northlights', '2.0'), readSeries('Saga #3', '3'), readSeries('12345', '')],
      ['Northlights #2', 'Saga #3', null],
    );
  });
});

describe('the authors of a list', () => {
  const authors = (...cells: readonly string[]): string => readAuthors(cells);

  it('are as they are written where there is one way to read them', () => {
    for (const line of ['J.K. Rowling, Mary GrandPré', 'Le Guin, Ursula K.', 'Martin Luther King, Jr.', '山田太郎']) {
      assert.equal(authors(line), line);
    }
  });

  it('may be joined by semicolons, ampersands, slashes, and printed lists', () => {
    for (const line of [
      'Ann One; Ben Two',
      'Ann One & Ben Two',
      'Ann One/Ben Two',
      'Ann One | Ben Two',
      '[\'Ann One\', "Ben Two"]',
    ]) {
      assert.equal(authors(line), 'Ann One, Ben Two', line);
    }
    assert.equal(authors('Author, Ann', 'Second, Ben'), 'Author, Ann; Second, Ben');
  });

  it('are without years of life and without people who are not authors', () => {
    assert.equal(authors('Dickens, Charles, 1812-1870; Browne, Hablot, 1815-1882 [Illustrator]'), 'Dickens, Charles');
    assert.equal(authors('Ann One (Goodreads Author), Ben Two (Illustrator)'), 'Ann One');
    assert.equal(authors('Ann One, Ben Two (Translator)'), 'Ann One');
    assert.equal(authors('Norling, Tove (Translator)'), 'Norling, Tove');
    assert.equal(authors('Dumas, Alexandre (fils) (Author)'), 'Dumas, Alexandre (fils)');
    assert.equal(authors('\\N'), '');
  });
});

describe('the columns of a list', () => {
  it('are the same in any case, with any signs, in camel case and in the plural', () => {
    const key = columnKey('book title');
    for (const name of ['Book-Title', 'bookTitle', 'BOOK_TITLES', ' Book  Title '])
      assert.equal(columnKey(name), key, name);
    assert.equal(columnKey('Categories'), columnKey('category'));
  });

  it('are said before the first row', () => {
    const { taken, unused } = findColumns(['Title', 'Author l-f', 'ISBN13', 'Shelf']);
    assert.deepEqual(taken, ['title ← Title', 'author ← Author l-f', 'isbn ← ISBN13']);
    assert.deepEqual(unused, ['Shelf']);
  });
});
