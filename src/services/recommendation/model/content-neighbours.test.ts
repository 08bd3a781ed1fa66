import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Book } from '../../../events/book.ts';
import { createContentIndex, type ContentIndex } from './content-neighbours.ts';

const book = (id: number, fields: Partial<Book>): Book => ({ id, title: `No ${id}`, author: '', ...fields });

function indexOf(...books: readonly Partial<Book>[]): ContentIndex {
  const index = createContentIndex((number) => number);
  for (const [at, fields] of books.entries()) index.put(at + 1, book(at + 1, fields));
  return index;
}

const idsNear = (index: ContentIndex, bookId: number, limit = 100): readonly number[] =>
  index.neighbours(bookId, limit).numbers;
const similaritiesNear = (index: ContentIndex, bookId: number): ReadonlyMap<number, number> => {
  const { numbers, similarities } = index.neighbours(bookId, 100);
  return new Map(numbers.map((number, at) => [number, similarities[at]!]));
};

const names = fc.constantFrom('', 'dragon', 'castle', 'winter', 'harbour');
const someBook: fc.Arbitrary<Partial<Book>> = fc.record({
  title: fc.constantFrom('Dragon Harbour', 'Winter Castle', 'Harbour Castle'),
  author: names,
  series: fc.option(names, { nil: null }),
  subjects: fc.array(names, { maxLength: 3 }),
  description: names,
});

describe('books like a book', () => {
  it('are more alike by series than by author, subject, title and description, in this order', () => {
    const index = indexOf(
      {
        title: 'Alpha Hotel',
        author: 'Author',
        series: 'Series #1',
        subjects: ['Subject'],
        description: 'Zulu Yankee',
      },
      { title: 'Bravo', description: 'Zulu Yankee' },
      { title: 'Alpha Hotel' },
      { title: 'Delta', subjects: ['Subject'] },
      { title: 'Echo', author: 'Author' },
      { title: 'Foxtrot', series: 'Series #2' },
      { title: 'Golf', author: 'Somebody Else', series: 'Other #1', subjects: ['Other'] },
    );
    assert.deepEqual(idsNear(index, 1), [6, 5, 4, 3, 2]);
    assert.deepEqual(idsNear(index, 1, 2), [6, 5]);
  });

  it('share more than one word, if they share nothing but words', () => {
    const index = indexOf({ title: 'Gone Girl' }, { title: 'Gone for Good' }, { title: 'The Girl Who Was Gone' });
    assert.deepEqual(idsNear(index, 1), [3]);
  });

  it('share more than words that many titles have', () => {
    const histories = Array.from({ length: 21 }, (_, at) => ({ title: `A Short History of Thing${at}` }));
    const index = indexOf(...histories, { title: 'A Short History of Sherlock Holmes' }, { title: 'Sherlock Holmes' });
    assert.deepEqual(idsNear(index, 1), []);
    assert.deepEqual(idsNear(index, 22), [23]);
  });

  it('are not alike by an equal title that more than twenty books have', () => {
    const titled = (count: number): ContentIndex =>
      indexOf(...Array.from({ length: count }, () => ({ title: 'Dragon Harbour' })));
    assert.equal(idsNear(titled(20), 1).length, 19);
    assert.deepEqual(idsNear(titled(21), 1), []);
  });

  it('are ordered by id when they are equally similar', () => {
    const index = createContentIndex((number) => number);
    for (const id of [3, 9, 2, 5]) index.put(id, book(id, { title: 'Same', author: 'Author' }));
    assert.deepEqual(idsNear(index, 5), [2, 3, 9]);
  });

  it('share an author written in other case, with other accents, or beside other authors', () => {
    const index = indexOf(
      { author: 'Gabriel García Márquez' },
      { author: 'somebody else, GABRIEL GARCIA MARQUEZ' },
      { author: 'Gabriel' },
    );
    assert.deepEqual(idsNear(index, 1), [2]);
  });

  it('do not share a field that both leave empty', () => {
    const nothing = { author: ' ', series: '#3', subjects: ['', '—'], description: null };
    const index = indexOf({ ...nothing, title: 'One' }, { ...nothing, title: 'Two' }, { title: 'Three', author: 'A' });
    assert.deepEqual(idsNear(index, 1), []);
  });

  it('do not share what most books say', () => {
    const common = { author: 'Author', title: 'The History of What Was', subjects: ['Fiction'] };
    const index = indexOf(...Array.from({ length: 41 }, () => common), { author: 'Author', subjects: ['Rare'] });
    assert.deepEqual(idsNear(index, 1), []);
    index.put(1, book(1, { ...common, subjects: ['Fiction', 'Rare'] }));
    assert.deepEqual(idsNear(index, 1), [42]);
  });

  it('have a similarity from 0 to 1, equal in both directions, and 1 for equal books whose words are rare', () => {
    // Each book is there twice: a word is in at most 20 of them.
    const books = fc.array(someBook, { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(books, (list) => {
        const index = indexOf(...list, ...list);
        for (const [at] of list.entries()) {
          const similarities = similaritiesNear(index, at + 1);
          const twin = similarities.get(at + 1 + list.length) ?? Number.NaN;
          assert.ok(Math.abs(twin - 1) < 1e-9, `twin: ${twin}`);
          for (const [other, similarity] of similarities) {
            assert.ok(similarity > 0 && similarity < 1 + 1e-9, String(similarity));
            const back = similaritiesNear(index, other).get(at + 1) ?? 0;
            assert.ok(Math.abs(back - similarity) < 1e-9, `${similarity} there, ${back} back`);
          }
        }
      }),
    );
  });

  it('depend on the present books, and not on the order in which they came', () => {
    const books = fc.array(someBook, { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(books, books, fc.array(fc.nat(), { minLength: 10, maxLength: 10 }), (before, list, dice) => {
        const index = indexOf(...before);
        const order = list.map((_, at) => at).sort((one, other) => dice[one]! - dice[other]!);
        for (const at of order) index.put(at + 1, book(at + 1, list[at]!));
        for (const [at] of before.entries()) if (at >= list.length) index.put(at + 1, null);
        const fresh = indexOf(...list);
        for (let id = 1; id <= 12; id++) assert.deepEqual(index.neighbours(id, 100), fresh.neighbours(id, 100));
      }),
    );
  });
});
