import type { MysqlConnection } from '../../../../../mysql/connection.ts';
import { insertAgain, insertBooks, putOutbox, updateBook, type BookChange } from './book-rows.ts';
import type { BooksTable } from '../../tutorial-table/books-table.ts';
import { demoSource, type BookContent, type MergeOutcome, type SourcedBook } from '../../catalogue.ts';
import { createdNow, emptyContent, isSameContent, toBook } from '../stored-book.ts';
import { sourceKey } from './find-same-books.ts';
import { firstNewId, type Shelf, type ShelvedBook } from '../../import/import-shelf.ts';
import { loadShelf } from './load-shelf.ts';

export type Merged = { readonly bookId: number; readonly outcome: MergeOutcome };

/** What a batch does, gathered so that it can be written in a few statements. */
type Changes = {
  readonly books: { readonly book: ShelvedBook; readonly content: BookContent }[];
  readonly names: { readonly sourceId: string; readonly id: number }[];
  readonly demosReplaced: number[];
};

/**
 * Merges rows inside a transaction, while nobody else merges: looks everything up at once, decides in memory, row by
 * row as in SQLite, and writes at once.
 * @param isTouched knows the books that earlier batches of the import have touched.
 */
export async function mergeRows(
  connection: MysqlConnection,
  { table, source, nowMs }: { readonly table: BooksTable; readonly source: string; readonly nowMs: number },
  rows: readonly SourcedBook[],
  isTouched: (id: number) => boolean,
): Promise<readonly Merged[]> {
  const shelf = await loadShelf(connection, table, source, rows);
  const changes: Changes = { books: [], names: [], demosReplaced: [] };
  const now = new Set<number>();
  const merged: Merged[] = [];
  for (const row of rows) {
    const one = await mergeRow(shelf, changes, source, row, (id) => now.has(id) || isTouched(id));
    now.add(one.bookId);
    merged.push(one);
  }
  const idOf = await writeChanges(connection, table, changes, nowMs);
  await writeNames(connection, source, changes, idOf);
  return merged.map(({ bookId, outcome }) => ({ bookId: idOf(bookId), outcome }));
}

async function mergeRow(
  shelf: Shelf,
  changes: Changes,
  source: string,
  row: SourcedBook,
  isTouched: (id: number) => boolean,
): Promise<Merged> {
  const name = (id: number): void => {
    const { sourceId } = row;
    if (sourceId !== null && shelf.name(sourceId, id)) changes.names.push({ sourceId, id });
  };
  const known = await shelf.find(row);
  if (known === null) {
    const content = { ...emptyContent, ...row.fields };
    const book = shelf.add(content);
    changes.books.push({ book, content });
    name(book.id);
    return { bookId: book.id, outcome: 'added' };
  }
  if (isTouched(known.id) || known.stored === null) return { bookId: known.id, outcome: 'repeated' };
  const takesPlace = source !== demoSource && known.isDemo;
  if (takesPlace) changes.demosReplaced.push(known.id);
  name(known.id);
  const { removed } = known.stored;
  const content = { ...(takesPlace || removed ? emptyContent : known.content), ...row.fields };
  if (!removed && isSameContent(known.content, content)) return { bookId: known.id, outcome: 'unchanged' };
  shelf.change(known, content);
  changes.books.push({ book: known, content });
  return { bookId: known.id, outcome: removed ? 'added' : 'updated' };
}

/** @returns the catalogue's id for an id of the batch. */
async function writeChanges(
  connection: MysqlConnection,
  table: BooksTable,
  { books }: Changes,
  nowMs: number,
): Promise<(id: number) => number> {
  const createdAt = createdNow(nowMs);
  const added = books.filter(({ book }) => book.stored === null);
  const ids = await insertBooks(
    connection,
    table,
    added.map(({ content }) => ({ version: 1, createdAt, content })),
  );
  // The shelf numbers what it adds in the order it is added.
  const idOf = (id: number): number => (id < firstNewId ? id : ids[id - firstNewId]!);
  const outbox: BookChange[] = [];
  for (const { book, content } of books) {
    const { stored } = book;
    const change = { id: idOf(book.id), version: (stored?.version ?? 0) + 1, content };
    const created = stored === null ? createdAt : stored.createdAt;
    if (stored?.removed === true) await insertAgain(connection, table, { ...change, createdAt: created });
    else if (stored !== null) await updateBook(connection, table, change);
    outbox.push({ bookId: change.id, version: change.version, book: toBook(change.id, created, content) });
  }
  await putOutbox(connection, outbox, nowMs);
  return idOf;
}

async function writeNames(
  connection: MysqlConnection,
  source: string,
  { names, demosReplaced }: Changes,
  idOf: (id: number) => number,
): Promise<void> {
  if (demosReplaced.length > 0) {
    await connection.change('DELETE FROM catalogue_book_source WHERE source = ? AND book_id IN (?)', [
      demoSource,
      demosReplaced,
    ]);
  }
  await connection.insert(
    `INSERT INTO catalogue_book_source (source, source_key, book_id) VALUES ?
     ON DUPLICATE KEY UPDATE book_id = VALUES(book_id)`,
    names.map(({ sourceId, id }) => [source, sourceKey(sourceId), idOf(id)]),
  );
}
