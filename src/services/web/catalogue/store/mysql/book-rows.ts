import { hash } from 'node:crypto';
import type { MysqlConnection, MysqlValue } from '../../../../../mysql/connection.ts';
import { SamsaError } from '../../../../../errors.ts';
import { listedBook } from '../../../../../events/book.ts';
import { titleKey } from '../../book-identity.ts';
import type { BooksTable } from '../../tutorial-table/books-table.ts';
import type { BookContent, ChangedBook, RemovedBook } from '../../catalogue.ts';
import { inPieces } from './in-pieces.ts';
import { readBooks } from './read-books.ts';
import { changeTo, type StoredBook } from '../stored-book.ts';

export type BookChange = ChangedBook | RemovedBook;

/** A row to be written. */
export type NewRow = {
  readonly version: number;
  readonly createdAt: string | null;
  readonly content: BookContent;
};

/** What a book's title, first author and year come to, as it is looked for: half of a SHA-256, to keep its index small. */
export function titleHash(book: Partial<BookContent> & { readonly title: string }): Buffer {
  return hash('sha256', titleKey(book), 'buffer').subarray(0, 16);
}

/**
 * Adds rows under ids the server chooses. Must run in a transaction, as all that write here.
 * @returns the ids, in order.
 */
export async function insertBooks(
  connection: MysqlConnection,
  table: BooksTable,
  books: readonly NewRow[],
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const piece of inPieces(books.map((book) => rowValues(table, book)))) {
    const first = await connection.insertOne(`INSERT INTO books (${rowColumns(table)}) VALUES ?`, [piece]);
    // The server numbers the rows of one statement without a gap; how far apart is its own affair.
    const [row] = await connection.rows('SELECT @@auto_increment_increment AS apart');
    ids.push(...piece.map((_, index) => first + index * Number(row?.['apart'])));
  }
  return ids;
}

/** Gives a removed book its row back, under its own id. */
export async function insertAgain(
  connection: MysqlConnection,
  table: BooksTable,
  book: NewRow & { readonly id: number },
): Promise<void> {
  // Marked as deleted by somebody else it may still be there.
  await connection.change('DELETE FROM books WHERE id = ? AND samsa_version = 0', [book.id]);
  await connection.insert(`INSERT INTO books (${rowColumns(table)}, id) VALUES ?`, [
    [...rowValues(table, book), book.id],
  ]);
  await connection.change('DELETE FROM catalogue_removed_book WHERE id = ?', [book.id]);
}

export async function updateBook(
  connection: MysqlConnection,
  table: BooksTable,
  { id, version, content }: { readonly id: number; readonly version: number; readonly content: BookContent },
): Promise<void> {
  const names = ['samsa_version', ...contentColumns(table)];
  await connection.change(`UPDATE books SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`, [
    version,
    ...contentValues(table, content),
    id,
  ]);
}

/** Nothing but id, version, time and the ids its sources gave it stays behind. */
export async function removeBook(connection: MysqlConnection, book: StoredBook): Promise<RemovedBook> {
  const version = book.version + 1;
  try {
    await connection.change('DELETE FROM books WHERE id = ?', [book.id]);
  } catch (error) {
    if ((error as { errno?: unknown }).errno !== rowIsReferenced) throw error;
    const problem = `Book ${book.id}: other tables of the database refer to it. Remove what refers to it first.`;
    throw new SamsaError('bad-request', problem, { cause: error });
  }
  await rememberRemoved(connection, [{ ...book, version }]);
  return { bookId: book.id, version, book: null };
}

const rowIsReferenced = 1451;

export async function rememberRemoved(
  connection: MysqlConnection,
  books: readonly Pick<StoredBook, 'id' | 'version' | 'createdAt'>[],
): Promise<void> {
  await connection.insert(
    `INSERT INTO catalogue_removed_book (id, version, created_at) VALUES ?
     ON DUPLICATE KEY UPDATE version = VALUES(version)`,
    books.map(({ id, version, createdAt }) => [id, version, createdAt]),
  );
}

/** As events carry them, so that the relay only passes them on. */
export async function putOutbox(
  connection: MysqlConnection,
  changes: readonly BookChange[],
  nowMs: number,
): Promise<void> {
  await connection.insert(
    'INSERT INTO catalogue_outbox (book_id, version, changed_ms, book) VALUES ?',
    changes.map(({ bookId, version, book }) => [
      bookId,
      version,
      nowMs,
      book === null ? null : JSON.stringify(listedBook(book)),
    ]),
  );
}

/** Tells of books once more, as they are now. */
export async function putBooksAgain(
  connection: MysqlConnection,
  table: BooksTable,
  ids: readonly number[],
  nowMs: number,
): Promise<void> {
  const books = await readBooks(connection, table, ids);
  await putOutbox(connection, [...books.values()].map(changeTo), nowMs);
}

function contentColumns(table: BooksTable): readonly string[] {
  const own = ['published_at', 'isbn', 'series', 'subjects', 'language', 'popularity', 'title_hash'];
  const theirs = ['title', 'author', 'description', ...(table.publishedIsText ? ['published_at'] : [])];
  return [...theirs, ...own.map((name) => `samsa_${name}`)];
}

function rowColumns(table: BooksTable): string {
  return ['samsa_version', table.createdColumn, ...contentColumns(table)].join(', ');
}

function rowValues(table: BooksTable, { version, createdAt, content }: NewRow): readonly MysqlValue[] {
  const created = createdAt?.replace('T', ' ').replace('Z', '') ?? null;
  return [version, created, ...contentValues(table, content)];
}

/** Where a text of theirs is missing it is empty, as their own programs write it. */
function contentValues(table: BooksTable, content: BookContent): readonly MysqlValue[] {
  const { title, author, description, published_at, isbn, series, subjects, language, popularity } = content;
  const theirs = [title, author, description ?? '', ...(table.publishedIsText ? [published_at ?? ''] : [])];
  const own = [published_at, isbn, series, JSON.stringify(subjects), language, popularity, titleHash(content)];
  return [...theirs, ...own];
}
