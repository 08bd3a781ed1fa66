import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { BookContent } from '../../stored-book.ts';
import { openBookList } from './open-book-list.ts';

const lists = join(import.meta.dirname, '../../../../../../test/lists');

type ReadList = {
  readonly kind: string;
  /** How many books have the field, `id` included. */
  readonly filled: Readonly<Record<string, number>>;
  readonly books: readonly Partial<BookContent>[];
};

/** Reads a look-alike; fails when a row or a value of it is not taken. */
async function readList(name: string): Promise<ReadList> {
  const list = await openBookList(join(lists, name));
  const filled: Record<string, number> = {};
  const books: Partial<BookContent>[] = [];
  for await (const rows of list.rows) {
    for (const row of rows) {
      assert.equal(row.problem, undefined);
      assert.ok(row.problem === undefined);
      assert.deepEqual(row.unread, []);
      books.push(row.book.fields);
      for (const [field, value] of Object.entries({ ...row.book.fields, id: row.book.sourceId })) {
        const isFilled = Array.isArray(value) ? value.length > 0 : value !== null && value !== '' && value !== 0;
        if (isFilled) filled[field] = (filled[field] ?? 0) + 1;
      }
    }
  }
  return { kind: list.kind, filled, books };
}

describe('a list of 30 books as other programs write it', () => {
  it('comes from Goodreads: series in titles, ISBNs as formulas, more authors, reviews over two lines', async () => {
    const { kind, filled, books } = await readList('goodreads.csv');
    assert.equal(kind, 'goodreads');
    assert.deepEqual(filled, { id: 30, title: 30, author: 30, published_at: 30, isbn: 24, series: 8 });
    const { title, series, author } = books[0]!;
    assert.deepEqual([title, series, author], ['Lamp Keeper', 'The Long Coast #1', 'Nell Adeyo, Mara Watanabe']);
  });

  it('comes from StoryGraph: ISBNs among other ids, contributors apart', async () => {
    const { kind, filled } = await readList('storygraph.csv');
    assert.equal(kind, 'storygraph');
    assert.deepEqual(filled, { title: 30, author: 30, isbn: 24, subjects: 15 });
  });

  it('comes from LibraryThing: UTF-16, tabs, ISBNs in brackets, translators, citations as summaries', async () => {
    const { kind, filled, books } = await readList('librarything.tsv');
    assert.equal(kind, 'librarything');
    assert.deepEqual(filled, {
      id: 30,
      title: 30,
      author: 30,
      published_at: 30,
      isbn: 22,
      subjects: 30,
      language: 30,
    });
    assert.deepEqual([books[0]?.author, books[0]?.language], ['Adeyo, Nell', 'sv']);
  });

  it('comes from Calibre: two names joined by &, HTML, years before all books', async () => {
    const { kind, filled, books } = await readList('calibre.csv');
    assert.equal(kind, 'calibre');
    assert.deepEqual(filled, {
      id: 30,
      title: 30,
      author: 30,
      published_at: 25,
      description: 30,
      isbn: 30,
      series: 15,
      subjects: 30,
      language: 30,
    });
    const { author, description, series } = books[3]!;
    assert.deepEqual([author, series], ['Mara Venn, Oskar Norling', 'Northlights #2']);
    assert.equal(description, 'A bold tale & more of Orchard.\n\nSecond part.');
  });

  it('comes from BookWyrm: ISBN-10 or ISBN-13, notes over two lines', async () => {
    const { kind, filled } = await readList('bookwyrm.csv');
    assert.equal(kind, 'bookwyrm');
    assert.deepEqual(filled, { id: 30, title: 30, author: 30, isbn: 20 });
  });

  it('comes from Libib: creators beside their first and last names', async () => {
    const { kind, filled } = await readList('libib.csv');
    assert.equal(kind, 'libib');
    assert.deepEqual(filled, { title: 30, author: 30, published_at: 30, description: 30, isbn: 30, subjects: 30 });
  });

  it('is an Open Library dump: authors before the books, other types in between', async () => {
    const { kind, filled, books } = await readList('openlibrary.txt');
    assert.equal(kind, 'openlibrary');
    assert.deepEqual(filled, {
      id: 30,
      title: 30,
      author: 30,
      published_at: 30,
      description: 20,
      isbn: 20,
      series: 4,
      subjects: 30,
      language: 20,
      other_titles: 7,
    });
    assert.deepEqual([books[0]?.author, books[0]?.other_titles], ['Nell Adeyo', ['a novel of the coast']]);
  });

  it('is the catalogue of Project Gutenberg: years of life and roles in names, titles over two lines', async () => {
    const { kind, filled, books } = await readList('gutenberg.csv');
    assert.equal(kind, 'gutenberg');
    assert.deepEqual(filled, { id: 30, title: 30, author: 30, subjects: 30, language: 30 });
    assert.equal(books[0]?.author, 'Adeyo, Nell; Norling, Lena');
  });

  it('comes from Kaggle: names joined by slashes, regions in languages, American dates', async () => {
    const { filled, books } = await readList('kaggle-goodreads-books.csv');
    assert.deepEqual(filled, {
      id: 30,
      title: 30,
      author: 30,
      published_at: 30,
      isbn: 30,
      series: 8,
      language: 24,
      popularity: 29,
    });
    assert.deepEqual([books[1]?.author, books[1]?.published_at], ['Tove Sturm, Ben Venn', '1913']);
  });

  it('comes from Kaggle: printed lists, roles behind names, placeholders for ISBNs, two-digit years', async () => {
    const { filled, books } = await readList('kaggle-best-books.csv');
    assert.deepEqual(filled, {
      id: 30,
      title: 30,
      author: 30,
      published_at: 30,
      description: 30,
      isbn: 22,
      series: 15,
      subjects: 30,
      language: 30,
      popularity: 30,
    });
    assert.deepEqual(books[0]?.subjects, ['Young Adult', 'Fiction', "Children's"]);
  });

  it('comes from Kaggle: printed lists of authors, counts with decimals', async () => {
    const { filled } = await readList('kaggle-books-data.csv');
    assert.deepEqual(filled, {
      title: 30,
      author: 30,
      published_at: 22,
      description: 20,
      subjects: 30,
      popularity: 15,
    });
  });

  it('is of Book-Crossing: Windows-1252, semicolons, backslashes before quotes, the year 0', async () => {
    const { kind, filled, books } = await readList('book-crossing.csv');
    assert.equal(kind, 'book-crossing');
    assert.deepEqual(filled, { title: 30, author: 30, published_at: 25, isbn: 30 });
    assert.equal(books[0]?.title, '"Lamp Keeper" & Other Tales; with Notes');
  });

  it('is an answer of gutendex: names in objects, translators apart', async () => {
    const { kind, filled } = await readList('gutendex.json');
    assert.equal(kind, 'gutendex');
    assert.deepEqual(filled, {
      id: 30,
      title: 30,
      author: 30,
      description: 30,
      subjects: 30,
      language: 30,
      popularity: 30,
    });
  });

  it('is the Goodreads graph of UCSD: numbers as text, ids in place of authors and series', async () => {
    const { kind, filled } = await readList('ucsd-goodreads.json');
    assert.equal(kind, 'goodreads-graph');
    assert.deepEqual(filled, {
      id: 30,
      title: 30,
      published_at: 22,
      description: 30,
      isbn: 20,
      series: 6,
      language: 20,
      popularity: 30,
    });
  });

  it('comes from a publisher as ONIX: dates of three lengths, texts in three forms, translators, collections', async () => {
    const { kind, filled, books } = await readList('onix.xml');
    assert.equal(kind, 'onix');
    assert.deepEqual(filled, {
      id: 32,
      title: 32,
      author: 32,
      published_at: 32,
      description: 32,
      isbn: 32,
      subjects: 32,
      language: 32,
      series: 8,
      other_titles: 11,
    });
    const { title, author, published_at, description, series, language } = books[1]!;
    assert.deepEqual([title, author, series], ['The Quarry and Paper Nights', 'Liddel, Tove', 'The Long Coast #1']);
    assert.deepEqual([published_at, description, language], ['1991-03', 'A bold tale of Quarry & Paper.', 'de']);
  });
});
