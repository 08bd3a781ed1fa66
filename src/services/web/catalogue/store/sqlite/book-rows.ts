import type { SqliteDatabase } from '../../../../../sqlite/connection.ts';
import type { Migrations } from '../../../../../sqlite/migrations.ts';
import { listedBook } from '../../../../../events/book.ts';
import { titleKey } from '../../book-identity.ts';
import { demoSource, type BookContent, type ChangedBook, type RemovedBook } from '../../catalogue.ts';
import type { MergedBatch } from '../../merge-books.ts';
import { changeTo, contentValues, createdNow, toBook, type StoredBook } from '../../stored-book.ts';
import { readBook } from './find-books.ts';

export const catalogueMigrations: readonly Migrations[] = [
  { name: 'catalogue', steps: new URL('migrations/', import.meta.url) },
];

/** Must run in a transaction, as everything here that writes. */
export function insertBook(
  database: SqliteDatabase,
  content: BookContent,
  nowMs: number,
  key = titleKey(content),
): ChangedBook {
  const createdAt = createdNow(nowMs);
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO book (version, created_at, title, author, published_at, description, isbn, series, subjects,
         language, popularity, title_key) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(createdAt, ...contentValues(content), key);
  const bookId = Number(lastInsertRowid);
  const book = toBook(bookId, createdAt, content);
  putOutbox(database, { bookId, version: 1, book }, nowMs);
  return { bookId, version: 1, book };
}

export function updateBook(
  database: SqliteDatabase,
  row: StoredBook,
  content: BookContent,
  nowMs: number,
  key = titleKey(content),
): ChangedBook {
  const version = row.version + 1;
  database
    .prepare(
      `UPDATE book SET version = ?, removed = 0, title = ?, author = ?, published_at = ?, description = ?, isbn = ?,
         series = ?, subjects = ?, language = ?, popularity = ?, title_key = ? WHERE id = ?`,
    )
    .run(version, ...contentValues(content), key, row.id);
  const book = toBook(row.id, row.createdAt, content);
  putOutbox(database, { bookId: row.id, version, book }, nowMs);
  return { bookId: row.id, version, book };
}

/** Keeps id, version, time of creation and the ids that sources gave it; the rest is erased. */
export function removeBook(database: SqliteDatabase, row: StoredBook, nowMs: number): RemovedBook {
  const version = row.version + 1;
  database
    .prepare(
      `UPDATE book SET version = ?, removed = 1, title = '', author = '', published_at = NULL, description = NULL,
         isbn = NULL, series = NULL, subjects = '[]', language = NULL, popularity = 0, title_key = NULL WHERE id = ?`,
    )
    .run(version, row.id);
  const removed = { bookId: row.id, version, book: null };
  putOutbox(database, removed, nowMs);
  return removed;
}

/** @returns each row of the batch with the id that its book has in the catalogue. */
export function writeBatch(
  database: SqliteDatabase,
  source: string,
  batch: MergedBatch,
  nowMs: number,
): MergedBatch['rows'] {
  const newIds = new Map<number, number>();
  for (const { id, stored, content, titleKey: key } of batch.changes) {
    if (stored === null) newIds.set(id, insertBook(database, content, nowMs, key).bookId);
    else updateBook(database, stored, content, nowMs, key);
  }
  const idOf = (id: number): number => newIds.get(id) ?? id;
  for (const id of batch.replacedDemoIds) {
    database.prepare('DELETE FROM book_source WHERE source = ? AND book_id = ?').run(demoSource, id);
  }
  const addName = database.prepare(
    'INSERT INTO book_source VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET book_id = excluded.book_id',
  );
  for (const { sourceId, id } of batch.names) addName.run(source, sourceId, idOf(id));
  return batch.rows.map(({ id, outcome }) => ({ id: idOf(id), outcome }));
}

/** Puts a change to each book as it is now into the outbox. */
export function putBooksAgain(database: SqliteDatabase, ids: readonly number[], nowMs: number): void {
  for (const id of ids) {
    const book = readBook(database, id);
    if (book !== null) putOutbox(database, changeTo(book), nowMs);
  }
}

function putOutbox(database: SqliteDatabase, changed: ChangedBook | RemovedBook, nowMs: number): void {
  const { bookId, version, book } = changed;
  database
    .prepare('INSERT INTO outbox (book_id, version, changed_ms, book) VALUES (?, ?, ?, ?)')
    .run(bookId, version, nowMs, book === null ? null : JSON.stringify(listedBook(book)));
}
