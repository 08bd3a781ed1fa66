import { SamsaError } from '../../../../errors.ts';
import type { MysqlAddress, MysqlConnection } from '../../../../mysql/connection.ts';
import { openMysql, type MysqlDatabase } from '../../../../mysql/database.ts';
import { openSqlite, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import { isSameContent, type StoredBook } from '../stored-book.ts';
import { catalogueMigrations } from './sqlite/book-rows.ts';
import { readBook } from './sqlite/find-books.ts';
import { updateBook, writeOwnRows } from './mysql/book-rows.ts';
import { createPreparedBooks, tablePrefix } from './mysql/catalogue.ts';
import { readBooks, sourceKey } from './mysql/find-books.ts';

const booksAtATime = 200;

/** How many books a catalogue has ever held, removed ones included. */
export type MovedBooks = { readonly books: number; readonly moved: number };

/**
 * Copies a catalogue from a SQLite file into a database: ids, versions, removed books, ids in sources and changes that
 * wait for the log. The last book in the database must be equal to the same book in the file; copying continues after
 * it.
 * @param write false: only compares and counts.
 * @throws SamsaError `bad-request` when the database holds other books, and what `openMysql` throws.
 */
export async function moveCatalogue(path: string, address: MysqlAddress, write: boolean): Promise<MovedBooks> {
  const source = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs: 5_000 });
  const prepared = createPreparedBooks();
  const database = await openMysql({ ...address, tablePrefix }, { migrations: [prepared.migrations] });
  try {
    const books = Number(source.prepare('SELECT count(*) AS n FROM book').get()?.['n']);
    let after = await checkedEnd(source, database, address.database);
    let moved = 0;
    while (write) {
      const rows = source.prepare('SELECT id FROM book WHERE id > ? ORDER BY id LIMIT ?').all(after, booksAtATime);
      if (rows.length === 0) break;
      const batch = rows.map(({ id }) => readBook(source, Number(id))!);
      const last = batch.at(-1)!.id;
      await database.transaction((connection) =>
        writeBatch(source, connection, prepared.table(), batch, [after, last]),
      );
      moved += batch.length;
      after = last;
    }
    if (write) await finish(source, database);
    return { books, moved };
  } finally {
    source.close();
    await database.close();
  }
}

/** @returns the greatest id that the database holds, after comparing that book. */
async function checkedEnd(source: SqliteDatabase, database: MysqlDatabase, name: string): Promise<number> {
  const held = await database.connected(async (connection) => {
    const [row] = await connection.rows(
      'SELECT COALESCE(MAX(id), 0) AS last, COUNT(*) AS held, (SELECT COUNT(*) FROM books) AS shown FROM state.book',
    );
    const last = Number(row?.['last']);
    const book = (await readBooks(connection, [last])).get(last);
    return { last, held: Number(row?.['held']), shown: Number(row?.['shown']), book };
  });
  const same = source.prepare('SELECT count(*) AS n FROM book WHERE id <= ?').get(held.last);
  const stored = held.last === 0 ? null : readBook(source, held.last);
  const isOurs =
    held.last === 0
      ? held.shown === 0
      : stored !== null && Number(same?.['n']) === held.held && held.book !== undefined && isSame(stored, held.book);
  if (isOurs) return held.last;
  throw new SamsaError(
    'bad-request',
    `${name}: expected no books, or those an earlier move of this shop left; found others. Move to an empty database.`,
  );
}

function isSame(one: StoredBook, other: StoredBook): boolean {
  if (one.version !== other.version || one.removed !== other.removed) return false;
  return one.removed || isSameContent(one.content, other.content);
}

async function writeBatch(
  source: SqliteDatabase,
  connection: MysqlConnection,
  table: Parameters<typeof updateBook>[1],
  batch: readonly StoredBook[],
  [after, last]: readonly [number, number],
): Promise<void> {
  for (const book of batch.filter(({ removed }) => !removed)) await updateBook(connection, table, book);
  await writeOwnRows(connection, batch);
  const names = source.prepare(
    'SELECT source, source_id, book_id FROM book_source WHERE book_id > ? AND book_id <= ? ORDER BY source, source_id',
  );
  await connection.insert(
    'INSERT IGNORE INTO state.book_source (source, source_key, book_id) VALUES ?',
    names
      .all(after, last)
      .map((row) => [text(row, 'source'), sourceKey(text(row, 'source_id')), Number(row['book_id'])]),
  );
}

/** Copies the changes that wait for the log, and makes sure that the database gives no id again. */
async function finish(source: SqliteDatabase, database: MysqlDatabase): Promise<void> {
  const waiting = source.prepare('SELECT book_id, version, changed_ms, book FROM outbox ORDER BY id').all();
  const given = Number(source.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'book'").get()?.['seq'] ?? 0);
  await database.transaction(async (connection) => {
    const [row] = await connection.rows('SELECT COUNT(*) AS n FROM state.outbox');
    if (Number(row?.['n']) > 0) return;
    await connection.insert(
      'INSERT INTO state.outbox (book_id, version, changed_ms, book) VALUES ?',
      waiting.map((one) => [
        Number(one['book_id']),
        Number(one['version']),
        Number(one['changed_ms']),
        textOrNull(one, 'book'),
      ]),
    );
  });
  await database.transaction(async (connection) => {
    const [row] = await connection.rows('SELECT COUNT(*) AS n FROM books WHERE id = ?', [given]);
    if (given === 0 || Number(row?.['n']) > 0) return;
    // Adds a row with the greatest id and removes it at once: from now on the database gives greater ids.
    await connection.change('INSERT INTO books (id) VALUES (?)', [given]);
    await connection.change('DELETE FROM books WHERE id = ?', [given]);
  });
}

type Row = Record<string, unknown>;

function text(row: Row, column: string): string {
  return row[column] as string;
}

function textOrNull(row: Row, column: string): string | null {
  return row[column] as string | null;
}
