import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Book } from '../../../events/book.ts';
import { createShelf } from './shelf.ts';

const book = (id: number, fields: Partial<Book> = {}): Book => ({ id, title: `No ${id}`, author: '', ...fields });

describe('the books on a shelf', () => {
  it('are known by title and author until they are removed', () => {
    const shelf = createShelf({ orderOf: (number) => number });
    shelf.put(1, book(1, { title: 'Emma', author: 'Jane Austen' }));
    assert.deepEqual([shelf.bookOf(1)?.title, shelf.bookOf(1)?.author, shelf.size()], ['Emma', 'Jane Austen', 1]);
    shelf.put(1, null);
    shelf.put(2, null);
    assert.deepEqual(
      [shelf.bookOf(1), shelf.editionOf(1, null), shelf.size(), shelf.neighbours(1).numbers],
      [null, -1, 0, []],
    );
  });

  it('are listed by popularity, then by id', () => {
    const shelf = createShelf({ orderOf: (number) => number });
    for (const [at, popularity] of [3, 0, 7, 3, 0].entries()) shelf.put(at + 1, book(at + 1, { popularity }));
    assert.deepEqual(shelf.mostPopular(), [3, 1, 4, 2, 5]);
    shelf.put(2, book(2, { popularity: 9 }));
    shelf.put(3, null);
    assert.deepEqual(shelf.mostPopular(), [2, 1, 4, 5]);
  });

  it('have new neighbours after the catalogue changes', () => {
    const shelf = createShelf({ orderOf: (number) => number });
    shelf.put(1, book(1, { author: 'Ada Quill' }));
    assert.deepEqual(shelf.neighbours(1).numbers, []);
    shelf.put(2, book(2, { author: 'Quill, Ada' }));
    assert.deepEqual(shelf.neighbours(1).numbers, [2]);
  });
});
