import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeOf, bookRow, rankedBook } from '../index/book-row.ts';
import { parseQuery, readingAsTyped } from './parse-query.ts';
import { rankBooks } from './rank-books.ts';

type Shelved = readonly [title: string, author: string, popularity: number, subject?: string];

function rank(query: string, ...shelf: readonly Shelved[]): string[] {
  const books = shelf.map(([title, author, popularity, subject = ''], index) => {
    const id = index + 1;
    return rankedBook(placeOf(id, popularity), bookRow({ id, title, author, subjects: [subject] }));
  });
  const { phrase, words } = parseQuery(query);
  return rankBooks(books, [readingAsTyped(words, phrase)]).map(({ book }) => shelf[book.id - 1]![0]);
}

describe('ranking', () => {
  it('gives the title that is exactly what was typed first, whatever is more popular', () => {
    assert.equal(rank('it', ['It Ends with Us', 'A', 90_000], ['It', 'B', 20_000])[0], 'It');
    assert.equal(rank('emma', ['Room', 'Emma Donoghue', 90_000], ['Emma', 'Jane Austen', 9_000])[0], 'Emma');
  });

  it('takes a title for exact without its article, subtitle or series', () => {
    assert.equal(
      rank('great gatsby', ['Great Gatsby Parties', 'A', 900], ['The Great Gatsby', 'B', 300])[0],
      'The Great Gatsby',
    );
    assert.equal(
      rank('dune', ['Dune Messiah', 'A', 900], ['Dune (Dune Chronicles #1)', 'A', 300])[0],
      'Dune (Dune Chronicles #1)',
    );
    assert.equal(rank('emma', ['Emma and Me', 'A', 900], ['Emma: A Novel', 'B', 300])[0], 'Emma: A Novel');
  });

  it("puts an author's well-known books before little-known books about the author", () => {
    const found = rank(
      'tolkien',
      ['Tolkien: A Biography', 'H. Carpenter', 50],
      ['The Hobbit', 'J. R. R. Tolkien', 90_000],
    );
    assert.equal(found[0], 'The Hobbit');
  });

  it('prefers the field that says more: title and author, then series, then subject', () => {
    const found = rank('sea', ['A', 'B', 100, 'Sea stories'], ['The Old Man and the Sea', 'C', 100], ['D', 'Sea', 100]);
    assert.equal(found.at(-1), 'A');
  });

  it('prefers whole words to beginnings of words, and beginnings of titles to their middle', () => {
    assert.equal(rank('art', ['Arthur', 'A', 100], ['The Art', 'A', 100])[0], 'The Art');
    assert.equal(rank('the hob', ['In the Hobby Room', 'A', 100], ['The Hobbit', 'A', 100])[0], 'The Hobbit');
  });

  it('prefers titles that are nearly complete to longer ones', () => {
    const long = 'The House of the Long Winter Nights';
    assert.equal(rank('the hou', [long, 'A', 700], ['The Hound', 'A', 100])[0], 'The Hound');
    assert.equal(rank('the hou', [long, 'A', 7_000], ['The Hound', 'A', 100])[0], long);
  });

  it('prefers the whole title to a beginning of a longer title that is as popular', () => {
    const pictures: Shelved[] = ['Girls in War Plays', 'Girls at Oak Farm', 'Girls', 'Girls Snowbound'].map(
      (title, at): Shelved => [`The Moving Picture ${title}`, 'A', 200 - at],
    );
    const corrected = rankBooks(
      pictures.map(([title, author, popularity], at) =>
        rankedBook(placeOf(at, popularity), bookRow({ id: at, title, author })),
      ),
      [{ ...readingAsTyped(parseQuery('moving picture girls').words, ''), phrase: null }],
    );
    assert.equal(pictures[corrected[0]!.book.id]![0], 'The Moving Picture Girls');
  });

  it('shows another title before the second book of one title, unless that title was typed', () => {
    const usher: Shelved[] = [
      ['The Fall of the House of Usher', 'Edgar Allan Poe', 900],
      ['The Fall of the House of Usher', 'E. A. Poe, Editor', 800],
      ['The Fall of the Year', 'B', 300],
    ];
    const titles = [0, 2, 1].map((at) => usher[at]![0]);
    assert.deepEqual(rank('the fall of the', ...usher), titles);
    assert.deepEqual(
      rank('fall of the house of usher', ...usher.slice(0, 2), ['Fall of the House of Usher Again', 'B', 700]),
      [titles[0], titles[0], 'Fall of the House of Usher Again'],
    );
  });

  it('counts only words of the main title as all of it', () => {
    const found = rank('red oral sea', ['War Z: an Oral Red Sea', 'A', 900], ['Oral Sea, Red', 'B', 300]);
    assert.equal(found[0], 'Oral Sea, Red');
  });

  it('puts the more popular of equal matches first, and the older id of equal books', () => {
    assert.deepEqual(rank('night', ['Night One', 'A', 10], ['Night Two', 'A', 20]), ['Night Two', 'Night One']);
    assert.deepEqual(rank('night', ['Night One', 'A', 10], ['Night Two', 'A', 10]), ['Night One', 'Night Two']);
  });

  it('prefers shorter titles among those that have the words, but not among the books of an author', () => {
    const volume: Shelved = ['The Rise of the Dutch Republic: Volume 24', 'Motley', 10];
    const complete: Shelved = ['The Rise of the Dutch Republic: Complete', 'Motley', 10];
    assert.equal(rank('dutch republic rise', volume, complete)[0], complete[0]);
    assert.equal(rank('motley', volume, complete)[0], volume[0]);
  });

  it('shares the first places of a surname between the authors who bear it', () => {
    const cornwells = ['Postmortem', 'Cruel', 'The Body Farm', 'Unnatural'].map((title, at): Shelved => [
      title,
      'Patricia Cornwell',
      900 - at,
    ]);
    const found = rank('cornwell', ...cornwells, ['The Last Kingdom', 'Bernard Cornwell', 300]);
    assert.deepEqual(found, ['Postmortem', 'Cruel', 'The Last Kingdom', 'The Body Farm', 'Unnatural']);
    assert.equal(rank('cornwell', ...cornwells, ['Fish', 'Ann Cornwell', 3]).at(-1), 'Fish', 'hardly read');
    assert.equal(rank('patricia cornwell', ...cornwells)[2], 'The Body Farm');
  });
});
