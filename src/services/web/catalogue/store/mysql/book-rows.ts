import { crc32 } from 'node:zlib';
import type { MysqlConnection, MysqlValue } from '../../../../../mysql/connection.ts';
import { SamsaError } from '../../../../../errors.ts';
import { listedBook } from '../../../../../events/book.ts';
import { titleKey, titleKeyVersion } from '../../book-identity.ts';
import { demoSource } from '../../import-run.ts';
import {
  changeTo,
  createdNow,
  emptyContent,
  encodeGivers,
  type BookContent,
  type ChangedBook,
  type RemovedBook,
  type StoredBook,
} from '../../stored-book.ts';
import type { MergedBatch } from '../../merge-books.ts';
import type { BooksTable } from '../../tutorial-table/books-table.ts';
import { decodeBook, readBooks, sourceKey, titleHash } from './find-books.ts';

export type BookChange = ChangedBook | RemovedBook;
type NewBook = Pick<StoredBook, 'createdAt' | 'content' | 'givers'>;

/** The size of one insert that every server accepts, even when escaping doubles its length. */
const insertBytes = 1 << 20;

/**
 * Adds books under ids that the server chooses. Like every write in this file it must run in a transaction.
 * @returns the ids, in order.
 */
export async function insertBooks(
  connection: MysqlConnection,
  table: BooksTable,
  books: readonly NewBook[],
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const piece of inPieces(books.map((book) => rowValues(table, book)))) {
    const first = await connection.insertOne(`INSERT INTO books (${rowColumns(table)}) VALUES ?`, [piece]);
    // The server numbers the rows of one statement at equal distances. Only the server knows the distance.
    const [row] = await connection.rows('SELECT @@auto_increment_increment AS apart');
    ids.push(...piece.map((_, index) => first + index * Number(row?.['apart'])));
  }
  await writeOwnRows(
    connection,
    books.map((book, index) => ({ ...book, id: ids[index]!, version: 1, removed: false })),
  );
  return ids;
}

/** Writes a known book's row in `books`, even if the book was removed. `writeOwnRows` writes the other tables. */
export async function updateBook(connection: MysqlConnection, table: BooksTable, book: StoredBook): Promise<void> {
  const [names, values] = [contentColumns(table), contentValues(table, book.content)];
  const changed = await connection.change(
    `UPDATE books SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`,
    [...values, book.id],
  );
  if (changed > 0) return;
  await connection.insert(`INSERT INTO books (${rowColumns(table)}, id) VALUES ?`, [
    [...rowValues(table, book), book.id],
  ]);
}

/** Keeps the book's id, version, time of creation and ids in sources, and erases everything else. */
export async function removeBook(connection: MysqlConnection, book: StoredBook): Promise<RemovedBook> {
  const version = book.version + 1;
  try {
    await connection.change('DELETE FROM books WHERE id = ?', [book.id]);
  } catch (error) {
    if ((error as { errno?: unknown }).errno !== rowIsReferenced) throw error;
    const problem = `Book ${book.id}: other tables of the database refer to it. Remove what refers to it first.`;
    throw new SamsaError('bad-request', problem, { cause: error });
  }
  await writeOwnRows(connection, [{ ...book, version, removed: true }]);
  return { bookId: book.id, version, book: null };
}

const rowIsReferenced = 1451;

/** Writes the tables that are ours alone. For a removed book they keep only id, version and time of creation. */
export async function writeOwnRows(connection: MysqlConnection, books: readonly StoredBook[]): Promise<void> {
  const updates = ownColumns.slice(1).map((name) => `${name} = VALUES(${name})`);
  await connection.insert(
    `INSERT INTO state.book (${ownColumns.join(', ')}) VALUES ? ON DUPLICATE KEY UPDATE ${updates.join(', ')}`,
    books.map(ownValues),
  );
}

const ownColumns = [
  'id',
  'version',
  'removed',
  'created_at',
  'published_at',
  'isbn',
  'series',
  'subjects',
  'language',
  'popularity',
  'other_titles',
  'givers',
  'title_key',
  'text_crc',
] as const;

function ownValues({ id, version, removed, createdAt, content, givers }: StoredBook): readonly MysqlValue[] {
  const kept = removed ? emptyContent : content;
  const { published_at, isbn, series, subjects, language, popularity, other_titles } = kept;
  return [
    id,
    version,
    removed ? 1 : 0,
    createdAt,
    published_at,
    isbn,
    series,
    JSON.stringify(subjects),
    language,
    popularity,
    JSON.stringify(other_titles),
    removed ? null : encodeGivers(givers),
    removed ? null : titleHash(titleKey(content)),
    crc32(`${content.title}|${content.author}`),
  ];
}

/** @returns each row of the batch with the id that its book has in the catalogue. */
export async function writeBatch(
  connection: MysqlConnection,
  { table, source, nowMs }: { readonly table: BooksTable; readonly source: string; readonly nowMs: number },
  batch: MergedBatch,
): Promise<MergedBatch['rows']> {
  const createdAt = createdNow(nowMs);
  const added = batch.changes.filter(({ stored }) => stored === null);
  const ids = await insertBooks(
    connection,
    table,
    added.map(({ content, givers }) => ({ createdAt, content, givers })),
  );
  const newIds = new Map(added.map(({ id }, index) => [id, ids[index]!]));
  const idOf = (id: number): number => newIds.get(id) ?? id;
  const removedIds = batch.changes.flatMap(({ id, stored }) => (stored?.removed === true ? [id] : []));
  // Another program may have marked the row as deleted without removing it.
  if (removedIds.length > 0) await connection.change('DELETE FROM books WHERE id IN (?)', [removedIds]);
  const changed = batch.changes.map(({ id, stored, content, givers }) => ({
    id: idOf(id),
    version: (stored?.version ?? 0) + 1,
    removed: false,
    createdAt: stored === null ? createdAt : stored.createdAt,
    content,
    givers,
  }));
  const known = changed.filter((_, index) => batch.changes[index]!.stored !== null);
  for (const book of known) await updateBook(connection, table, book);
  await writeOwnRows(connection, known);
  await putOutbox(connection, changed.map(changeTo), nowMs);
  await writeNames(connection, source, batch, idOf);
  return batch.rows.map((row) => ({ ...row, id: idOf(row.id) }));
}

async function writeNames(
  connection: MysqlConnection,
  source: string,
  { names, replacedDemoIds }: MergedBatch,
  idOf: (id: number) => number,
): Promise<void> {
  if (replacedDemoIds.length > 0) {
    await connection.change('DELETE FROM state.book_source WHERE source = ? AND book_id IN (?)', [
      demoSource,
      replacedDemoIds,
    ]);
  }
  await connection.insert(
    `INSERT INTO state.book_source (source, source_key, book_id) VALUES ?
     ON DUPLICATE KEY UPDATE book_id = VALUES(book_id)`,
    names.map(({ sourceId, id }) => [source, sourceKey(sourceId), idOf(id)]),
  );
}

/** Adds changes to the outbox, already encoded as events, so that the relay only passes them on. */
export async function putOutbox(
  connection: MysqlConnection,
  changes: readonly BookChange[],
  nowMs: number,
): Promise<void> {
  await connection.insert(
    'INSERT INTO state.outbox (book_id, version, changed_ms, book) VALUES ?',
    changes.map(({ bookId, version, book }) => [
      bookId,
      version,
      nowMs,
      book === null ? null : JSON.stringify(listedBook(book)),
    ]),
  );
}

/** Puts each book into the outbox as it is now. */
export async function putBooksAgain(connection: MysqlConnection, ids: readonly number[], nowMs: number): Promise<void> {
  const books = await readBooks(connection, ids);
  await putOutbox(connection, [...books.values()].map(changeTo), nowMs);
}

function rowColumns(table: BooksTable): string {
  return [...(table.createdIsTime ? ['created_at'] : []), ...contentColumns(table)].join(', ');
}

function rowValues(table: BooksTable, { createdAt, content }: NewBook): readonly MysqlValue[] {
  const created = createdAt?.replace('T', ' ').replace('Z', '') ?? null;
  return [...(table.createdIsTime ? [created] : []), ...contentValues(table, content)];
}

function contentColumns(table: BooksTable): readonly string[] {
  return ['title', 'author', 'description', ...(table.publishedIsText ? ['published_at'] : [])];
}

/** The values for the tutorial's columns. A missing text is written as '', as the tutorial's programs do. */
function contentValues(table: BooksTable, content: BookContent): readonly MysqlValue[] {
  const { title, author, description, published_at } = content;
  return [title, author, description ?? '', ...(table.publishedIsText ? [published_at ?? ''] : [])];
}

function inPieces(rows: readonly (readonly MysqlValue[])[]): readonly (readonly (readonly MysqlValue[])[])[] {
  const pieces: (readonly MysqlValue[])[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const more = row.reduce<number>((sum, value) => sum + (typeof value === 'string' ? 3 * value.length : 20), 0);
    if (bytes + more > insertBytes) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)!.push(row);
    bytes += more;
  }
  return pieces;
}

const booksAtATime = 1_000;

/**
 * Brings the title keys of some books to the current version. Call it in transactions until it returns true: then all
 * keys are current. If the process stops before that, the next one does the rest.
 */
export async function renewTitleKeys(connection: MysqlConnection): Promise<boolean> {
  const [keys] = await connection.rows('SELECT version, next_id FROM state.title_keys WHERE id = 1');
  if (Number(keys?.['version']) === titleKeyVersion) return true;
  const rows = await connection.rows(
    `SELECT own.*, books.title, books.author, books.description
     FROM state.book AS own JOIN books ON books.id = own.id
     WHERE own.id >= ? AND own.removed = 0 ORDER BY own.id LIMIT ?`,
    [Number(keys?.['next_id']), booksAtATime],
  );
  const books = rows.map(decodeBook);
  const last = books.at(-1);
  if (last === undefined) {
    await connection.change('UPDATE state.title_keys SET version = ?, next_id = 1 WHERE id = 1', [titleKeyVersion]);
    return true;
  }
  await connection.insert(
    `INSERT INTO state.book (id, version, title_key) VALUES ?
     ON DUPLICATE KEY UPDATE title_key = VALUES(title_key)`,
    books.map(({ id, version, content }) => [id, version, titleHash(titleKey(content))]),
  );
  await connection.change('UPDATE state.title_keys SET next_id = ? WHERE id = 1', [last.id + 1]);
  return false;
}
