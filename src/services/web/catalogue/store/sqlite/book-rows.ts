import type { Migrations } from '../../../../../sqlite/migrations.ts';
import type { SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { listedBook } from '../../../../../events/book.ts';
import { titleKey } from '../../book-identity.ts';
import type { BookContent, ChangedBook, RemovedBook } from '../../catalogue.ts';
import { changeTo, contentValues, createdNow, toBook, type StoredBook } from '../stored-book.ts';

/** Removed books keep their row, so that id and version are never given again. */
const schema = `
  CREATE TABLE book (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    title TEXT NOT NULL,
    author TEXT NOT NULL,
    published_at TEXT,
    description TEXT,
    isbn TEXT,
    series TEXT,
    subjects TEXT NOT NULL,
    language TEXT,
    popularity INTEGER NOT NULL,
    title_key TEXT
  );
  CREATE INDEX book_removed ON book (removed) WHERE removed = 1;
  CREATE INDEX book_by_isbn ON book (isbn) WHERE isbn IS NOT NULL;
  CREATE INDEX book_by_title ON book (title_key) WHERE title_key IS NOT NULL;

  CREATE TABLE book_source (
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    book_id INTEGER NOT NULL,
    PRIMARY KEY (source, source_id)
  ) WITHOUT ROWID;
  CREATE INDEX book_source_by_book ON book_source (book_id, source);

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    book_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    book TEXT
  );

  CREATE TABLE relay_lease (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    owner TEXT NOT NULL,
    until_ms INTEGER NOT NULL
  );
`;

export const catalogueMigrations: readonly Migrations[] = [{ name: 'catalogue', steps: [schema] }];

export function readBook(database: SqliteDatabase, id: number): StoredBook | null {
  const row = database.prepare('SELECT * FROM book WHERE id = ?').get(id);
  if (row === undefined) return null;
  const { version, removed, created_at, title_key: _, subjects, ...fields } = row;
  return {
    id,
    version: Number(version),
    removed: removed === 1,
    createdAt: String(created_at),
    content: { ...fields, subjects: JSON.parse(String(subjects)) } as unknown as BookContent,
  };
}

/** Must run in a transaction, as all that write here. */
export function insertBook(database: SqliteDatabase, content: BookContent, nowMs: number): ChangedBook {
  const createdAt = createdNow(nowMs);
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO book (version, created_at, title, author, published_at, description, isbn, series, subjects,
         language, popularity, title_key) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(createdAt, ...contentValues(content), titleKey(content));
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
): ChangedBook {
  const version = row.version + 1;
  database
    .prepare(
      `UPDATE book SET version = ?, removed = 0, title = ?, author = ?, published_at = ?, description = ?, isbn = ?,
         series = ?, subjects = ?, language = ?, popularity = ?, title_key = ? WHERE id = ?`,
    )
    .run(version, ...contentValues(content), titleKey(content), row.id);
  const book = toBook(row.id, row.createdAt, content);
  putOutbox(database, { bookId: row.id, version, book }, nowMs);
  return { bookId: row.id, version, book };
}

/** Nothing but id, version and the ids its sources gave it stays behind. */
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

/** Tells of a book once more, as it is now. */
export function putBookAgain(database: SqliteDatabase, id: number, nowMs: number): void {
  const row = readBook(database, id);
  if (row !== null) putOutbox(database, changeTo(row), nowMs);
}

function putOutbox(database: SqliteDatabase, changed: ChangedBook | RemovedBook, nowMs: number): void {
  const { bookId, version, book } = changed;
  database
    .prepare('INSERT INTO outbox (book_id, version, changed_ms, book) VALUES (?, ?, ?, ?)')
    .run(bookId, version, nowMs, book === null ? null : JSON.stringify(listedBook(book)));
}
