import type { Book } from '../../src/events/book.ts';
import { openBookList } from '../../src/services/web/catalogue/import/lists/open-book-list.ts';

/** The books of CSV and NDJSON files, read as an import reads them; ids count from 1. */
export async function* readBooks(files: readonly string[]): AsyncGenerator<Book> {
  let id = 0;
  for (const file of files) {
    for await (const rows of (await openBookList(file)).rows) {
      for (const row of rows) {
        if (row.problem !== undefined) continue;
        const { fields } = row.book;
        yield { ...fields, id: ++id, author: fields.author ?? '' } as Book;
      }
    }
  }
}
