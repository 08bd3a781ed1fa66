import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Book } from '../../../events/book.ts';
import { seriesPlace, createWorks } from './works.ts';

type Fields = Partial<Book> & { readonly other_titles?: readonly string[] };

const book = (id: number, fields: Fields): Book => ({ id, title: 'Untitled', author: 'Ada Quill', ...fields });

function areOne(one: Fields, other: Fields): boolean {
  const works = createWorks((number) => number);
  works.put(1, book(1, one));
  works.put(2, book(2, other));
  return works.editionsOf(1).length === 2;
}

describe('two editions of one work', () => {
  it('have the same whole title and an author in common, however both are written', () => {
    const same: readonly (readonly [Fields, Fields])[] = [
      [{ title: 'The Winter Harbour' }, { title: 'Winter Harbour, The: A Novel', author: 'Quill, Ada' }],
      [
        { title: 'Harbour Tales', author: 'Ben Rook & Ada Quill' },
        { title: 'HARBOUR TALES', author: 'Ada Quill' },
      ],
      [{ title: 'Les Quais', other_titles: ['The Quays'] }, { title: 'The Quays' }],
      [{ title: 'Harbour (The Coast, #2)' }, { title: 'Harbour', series: 'The Coast #2' }],
      [
        { title: 'Sea', isbn: '0306406152' },
        { title: 'Mer', author: 'B', isbn: '9780306406157' },
      ],
    ];
    for (const [one, other] of same) assert.ok(areOne(one, other), `${one.title} / ${other.title}`);
  });

  it('do not differ in volume, form or author, nor only agree before the colon of the title', () => {
    const different: readonly (readonly [Fields, Fields])[] = [
      [{ title: 'Collected Poems, Volume 1' }, { title: 'Collected Poems, Volume 2' }],
      [{ title: 'Harbour (The Coast, #2)' }, { title: 'Harbour (The Coast, #3)' }],
      [{ title: 'Harbour' }, { title: 'Harbour: The Graphic Novel' }],
      [{ title: 'Harbour: A Life' }, { title: 'Harbour: The Years at Sea' }],
      [{ title: 'Harbour' }, { title: 'Harbour', author: 'Ben Quill' }],
      [
        { title: 'Fairy Tales', author: 'Anonymous' },
        { title: 'Fairy Tales', author: 'Anonymous' },
      ],
      [
        { title: 'Fairy Tales', author: '' },
        { title: 'Fairy Tales', author: '' },
      ],
    ];
    for (const [one, other] of different) assert.ok(!areOne(one, other), `${one.title} / ${other.title}`);
  });
});

describe('works', () => {
  it('depend only on the present books, and each change reports every book whose work changed', () => {
    const fields = fc.record({
      title: fc.constantFrom('Harbour', 'Harbour, Part 1', 'Harbour, Part 2', 'Coast', 'Coast: A Novel'),
      author: fc.constantFrom('Ada Quill', 'Ada Quill; Ben Rook', 'Ben Rook', ''),
      isbn: fc.constantFrom(null, null, '9780306406157'),
    });
    const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.option(fields, { nil: null })), {
      maxLength: 14,
    });
    fc.assert(
      fc.property(changes, (all) => {
        const works = createWorks((number) => number);
        const told = new Map<number, number>();
        for (const [id, one] of all) {
          for (const [bookId, work] of works.put(id, one === null ? null : book(id, one))) told.set(bookId, work);
        }
        const rebuilt = createWorks((number) => number);
        for (const [id, one] of new Map(all)) if (one !== null) rebuilt.put(id, book(id, one));
        for (let id = 1; id <= 6; id++) {
          assert.deepEqual(works.editionsOf(id), rebuilt.editionsOf(id));
          assert.equal(told.get(id) ?? id, works.editionsOf(id)[0]);
        }
      }),
    );
  });
});

describe('the place of a book in its series', () => {
  it('is read from the series, or from the title', () => {
    const place = { series: 'the coast\nada quill', number: 2 };
    assert.deepEqual(seriesPlace(book(1, { series: 'The Coast #2' })), place);
    assert.deepEqual(seriesPlace(book(1, { series: 'The Coast 2' })), place);
    assert.deepEqual(seriesPlace(book(1, { title: 'Harbour (The Coast, #2)' })), place);
    assert.deepEqual(seriesPlace(book(1, { title: 'The Coast, Vol. 2: Harbour' })), place);
    assert.equal(seriesPlace(book(1, { title: 'Harbour', series: 'The Coast' })), null);
  });
});
