import type { MysqlConnection } from '../../../../../mysql/connection.ts';
import { titleHash } from './book-rows.ts';
import type { BooksTable } from '../../tutorial-table/books-table.ts';
import { demoSource, type BookContent, type SourcedBook } from '../../catalogue.ts';
import { readBooks } from './read-books.ts';
import { askedNumbers } from './asked-values.ts';
import { findSameBooks, sourceKey, type SameBooks } from './find-same-books.ts';
import { createShelf, type Shelf, type ShelvedBook } from '../../import/import-shelf.ts';

type Stored = Pick<ShelvedBook, 'stored' | 'isDemo'>;

/**
 * Everything a batch of rows may meet, looked up in a few statements; the rare book that was not expected is read when
 * it is needed.
 */
export async function loadShelf(
  connection: MysqlConnection,
  table: BooksTable,
  source: string,
  rows: readonly SourcedBook[],
): Promise<Shelf> {
  const found = await findSameBooks(connection, source, {
    sourceIds: rows.flatMap(({ sourceId }) => (sourceId === null ? [] : [sourceId])),
    isbns: unique(rows.flatMap(({ fields }) => (typeof fields.isbn === 'string' ? [fields.isbn] : []))),
    titles: rows.map(({ fields }) => titleHash(fields)),
    most: rows.length,
  });
  const alike = (key: string) => {
    const value = key.slice(key.indexOf(':') + 1);
    return (key.startsWith('isbn:') ? found.byIsbn : found.byTitle).get(value) ?? [];
  };
  const stored = await readStored(connection, table, expectedIds(found));
  return createShelf({
    named: (sourceId) => found.named.get(sourceKey(sourceId).toString('hex')),
    alike,
    keysOf,
    read: async (id) => stored.get(id) ?? (await readStored(connection, table, [id])).get(id) ?? null,
  });
}

function keysOf(content: Partial<BookContent> & { readonly title: string }): readonly string[] {
  const byTitle = `title:${titleHash(content).toString('hex')}`;
  return typeof content.isbn === 'string' ? [`isbn:${content.isbn}`, byTitle] : [byTitle];
}

/** Of many books that are alike one row takes one. */
function expectedIds({ named, byIsbn, byTitle }: SameBooks): readonly number[] {
  const first = [...byIsbn.values(), ...byTitle.values()].flatMap((alike) => {
    const unnamed = alike.find(({ isNamed }) => !isNamed);
    return unnamed === undefined ? [alike[0]!.id] : [alike[0]!.id, unnamed.id];
  });
  return unique([...named.values(), ...first]);
}

async function readStored(
  connection: MysqlConnection,
  table: BooksTable,
  ids: readonly number[],
): Promise<ReadonlyMap<number, Stored>> {
  const books = await readBooks(connection, table, ids);
  if (books.size === 0) return new Map();
  const demo = await connection.rows(
    `SELECT book_id FROM ${askedNumbers} STRAIGHT_JOIN catalogue_book_source FORCE INDEX (by_book)
     ON book_id = asked.number AND source = ?`,
    [JSON.stringify([...books.keys()]), demoSource],
  );
  const demoIds = new Set(demo.map((row) => Number(row['book_id'])));
  return new Map(Array.from(books, ([id, book]) => [id, { stored: book, isDemo: demoIds.has(id) }]));
}

function unique<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)];
}
