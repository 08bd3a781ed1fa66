import type { SqliteDatabase } from '../../../../../sqlite/connection.ts';
import type { Migrations } from '../../../../../sqlite/migrations.ts';
import { listedBook } from '../../../../../events/book.ts';
import { titleKey, titleKeyVersion } from '../../book-identity.ts';
import { demoSource } from '../../import-run.ts';
import {
  changeTo,
  contentColumns,
  contentValues,
  createdNow,
  encodeGivers,
  toBook,
  type BookContent,
  type ChangedBook,
  type RemovedBook,
  type Givers,
  type StoredBook,
} from '../../stored-book.ts';
import type { MergedBatch } from '../../merge-books.ts';
import { readBook } from './find-books.ts';

export const catalogueMigrations: readonly Migrations[] = [
  { name: 'catalogue', steps: new URL('migrations/', import.meta.url) },
];

/** Like every write in this file it must run in a transaction. */
export function insertBook(
  database: SqliteDatabase,
  content: BookContent,
  nowMs: number,
  {
    givers = {},
    key = titleKey(content),
    createdAt = createdNow(nowMs),
  }: { readonly givers?: Givers; readonly key?: string; readonly createdAt?: string } = {},
): ChangedBook {
  const { lastInsertRowid } = database
    .prepare(insertSql)
    .run(createdAt, ...contentValues(content), encodeGivers(givers), key);
  const bookId = Number(lastInsertRowid);
  const book = toBook(bookId, createdAt, content);
  putOutbox(database, { bookId, version: 1, book }, nowMs);
  return { bookId, version: 1, book };
}

const written = [...contentColumns, 'givers', 'title_key'];
const insertSql = `INSERT INTO book (version, created_at, ${written.join(', ')})
  VALUES (1, ?, ${written.map(() => '?').join(', ')})`;
const updateSql = `UPDATE book SET version = ?, removed = 0, ${written.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`;

/** Copies a book of another catalogue. @returns false when its id is there already. */
export function insertKnownBook(database: SqliteDatabase, book: StoredBook): boolean {
  const { id, version, removed, createdAt, content, givers } = book;
  const columns = ['id', 'version', 'removed', 'created_at', ...written];
  const { changes } = database
    .prepare(`INSERT OR IGNORE INTO book (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
    .run(
      id,
      version,
      removed ? 1 : 0,
      createdAt ?? '',
      ...contentValues(content),
      encodeGivers(givers),
      removed ? null : titleKey(content),
    );
  return changes === 1;
}

/** Writes new content of a book, even of a removed one, under the next version. */
export function updateBook(
  database: SqliteDatabase,
  book: StoredBook,
  nowMs: number,
  key = titleKey(book.content),
): ChangedBook {
  const { id, content, createdAt } = book;
  const version = book.version + 1;
  database.prepare(updateSql).run(version, ...contentValues(content), encodeGivers(book.givers), key, id);
  const change = { bookId: id, version, book: toBook(id, createdAt, content) };
  putOutbox(database, change, nowMs);
  return change;
}

/** Keeps the book's id, version, time of creation and ids in sources, and erases everything else. */
export function removeBook(database: SqliteDatabase, row: StoredBook, nowMs: number): RemovedBook {
  const version = row.version + 1;
  database
    .prepare(
      `UPDATE book SET version = ?, removed = 1, title = '', author = '', published_at = NULL, description = NULL,
         isbn = NULL, series = NULL, subjects = '[]', language = NULL, popularity = 0, other_titles = '[]',
         givers = NULL, title_key = NULL WHERE id = ?`,
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
  const createdAt = createdNow(nowMs);
  for (const { id, stored, content, givers, titleKey: key } of batch.changes) {
    if (stored === null) newIds.set(id, insertBook(database, content, nowMs, { givers, key, createdAt }).bookId);
    else updateBook(database, { ...stored, content, givers }, nowMs, key);
  }
  const idOf = (id: number): number => newIds.get(id) ?? id;
  for (const id of batch.replacedDemoIds) {
    database.prepare('DELETE FROM book_source WHERE source = ? AND book_id = ?').run(demoSource, id);
  }
  const addName = database.prepare(
    'INSERT INTO book_source VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET book_id = excluded.book_id',
  );
  for (const { sourceId, id } of batch.names) addName.run(source, sourceId, idOf(id));
  return batch.rows.map((row) => ({ ...row, id: idOf(row.id) }));
}

/** Puts each book into the outbox as it is now. */
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

const booksAtATime = 1_000;

/**
 * Brings the title keys of some books to the current version. Call it in transactions until it returns true: then all
 * keys are current. If the process stops before that, the next one does the rest.
 */
export function renewTitleKeys(database: SqliteDatabase): boolean {
  const keys = database.prepare('SELECT version, next_id FROM title_keys WHERE id = 1').get();
  if (Number(keys?.['version']) === titleKeyVersion) return true;
  const rows = database
    .prepare('SELECT id, title, author, published_at FROM book WHERE id >= ? AND removed = 0 ORDER BY id LIMIT ?')
    .all(Number(keys?.['next_id']), booksAtATime) as unknown as readonly TitleRow[];
  const last = rows.at(-1);
  if (last === undefined) {
    database.prepare('UPDATE title_keys SET version = ?, next_id = 1 WHERE id = 1').run(titleKeyVersion);
    return true;
  }
  const update = database.prepare('UPDATE book SET title_key = ? WHERE id = ?');
  for (const { id, ...book } of rows) update.run(titleKey(book), id);
  database.prepare('UPDATE title_keys SET next_id = ? WHERE id = 1').run(last.id + 1);
  return false;
}

type TitleRow = {
  readonly id: number;
  readonly title: string;
  readonly author: string;
  readonly published_at: string | null;
};
