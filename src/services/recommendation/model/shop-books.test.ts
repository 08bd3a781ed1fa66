import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Book } from '../../../events/book.ts';
import { createShopBooks } from './shop-books.ts';

const book = (id: number, fields: Partial<Book> = {}): Book => ({ id, title: `No ${id}`, author: '', ...fields });

describe('the books of the shop', () => {
  it('are known by title and author until they are removed', () => {
    const shopBooks = createShopBooks({ orderOf: (number) => number });
    shopBooks.put(1, book(1, { title: 'Emma', author: 'Jane Austen' }));
    assert.deepEqual(
      [shopBooks.bookOf(1)?.title, shopBooks.bookOf(1)?.author, shopBooks.size()],
      ['Emma', 'Jane Austen', 1],
    );
    shopBooks.put(1, null);
    shopBooks.put(2, null);
    assert.deepEqual(
      [shopBooks.bookOf(1), shopBooks.editionOf(1, null), shopBooks.size(), shopBooks.neighbours(1).numbers],
      [null, -1, 0, []],
    );
  });

  it('are listed by popularity, then by id', () => {
    const shopBooks = createShopBooks({ orderOf: (number) => number });
    for (const [at, popularity] of [3, 0, 7, 3, 0].entries()) shopBooks.put(at + 1, book(at + 1, { popularity }));
    assert.deepEqual(shopBooks.mostPopular(), [3, 1, 4, 2, 5]);
    shopBooks.put(2, book(2, { popularity: 9 }));
    shopBooks.put(3, null);
    assert.deepEqual(shopBooks.mostPopular(), [2, 1, 4, 5]);
  });

  it('have new neighbours after the catalogue changes', () => {
    const shopBooks = createShopBooks({ orderOf: (number) => number });
    shopBooks.put(1, book(1, { author: 'Ada Quill' }));
    assert.deepEqual(shopBooks.neighbours(1).numbers, []);
    shopBooks.put(2, book(2, { author: 'Quill, Ada' }));
    assert.deepEqual(shopBooks.neighbours(1).numbers, [2]);
  });
});
