import type { MysqlConnection, MysqlRow } from '../../../../mysql/connection.ts';
import { oneLine } from '../book-fields.ts';
import { putOutbox, rememberRemoved, titleHash, type BookChange } from '../store/mysql/book-rows.ts';
import type { BookContent } from '../catalogue.ts';
import { readPublished } from '../import/lists/listed-fields.ts';
import { createdAtText, decodeTexts, decodeTime } from '../store/mysql/read-books.ts';
import { emptyContent, toBook } from '../store/stored-book.ts';
import type { BooksTable } from './books-table.ts';
import { text } from './table-columns.ts';

/** Of one transaction. */
const mostRows = 200;

/** Whether somebody else has added or removed books. */
export async function hasForeignRows(connection: MysqlConnection, table: BooksTable): Promise<boolean> {
  const deleted = 'SELECT 1 FROM books WHERE deleted_at IS NOT NULL AND samsa_version > 0';
  const [row] = await connection.rows(
    `SELECT EXISTS (SELECT 1 FROM books WHERE samsa_version IS NULL) AS added,
       ${table.marksDeleted ? `EXISTS (${deleted})` : '0'} AS deleted`,
  );
  return Number(row?.['added']) === 1 || Number(row?.['deleted']) === 1;
}

/**
 * Takes up to 200 rows that somebody else wrote into the catalogue, under the ids they have, and lets go of as many
 * that somebody else marked as deleted; both are told to the log. Of a row that is still being written nothing is seen.
 * Must run in a transaction, one at a time.
 * @returns how many rows it has looked at.
 */
export async function adoptBooks(connection: MysqlConnection, table: BooksTable, nowMs: number): Promise<number> {
  const added = await adoptAdded(connection, table, nowMs);
  const deleted = await adoptDeleted(connection, table);
  await putOutbox(connection, [...added.changes, ...deleted], nowMs);
  return added.rows + deleted.length;
}

async function adoptAdded(
  connection: MysqlConnection,
  table: BooksTable,
  nowMs: number,
): Promise<{ readonly rows: number; readonly changes: readonly BookChange[] }> {
  const rows = await connection.rows(
    `SELECT id, ${createdAtText(table)} AS created, title, author, description,
       CAST(published_at AS CHAR) AS published, ${table.marksDeleted ? 'deleted_at IS NOT NULL' : '0'} AS deleted
     FROM books WHERE samsa_version IS NULL ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED`,
    [mostRows],
  );
  if (rows.length === 0) return { rows: 0, changes: [] };
  const ids = rows.map((row) => Number(row['id']));
  const versions = await readRemovedVersions(connection, ids);
  const changes: BookChange[] = [];
  for (const [index, row] of rows.entries()) {
    const id = ids[index]!;
    const content = readContent(row);
    // Later than any version the id may have had before: others remove rows, and fill tables anew, without a word.
    const version = Math.max(nowMs, (versions.get(id) ?? 0) + 1);
    if (content === null) await connection.change('UPDATE books SET samsa_version = 0 WHERE id = ?', [id]);
    else {
      await connection.change(
        `UPDATE books SET samsa_version = ?, samsa_published_at = ?, samsa_subjects = '[]', samsa_popularity = 0,
           samsa_title_hash = ? WHERE id = ?`,
        [version, content.published_at, titleHash(content), id],
      );
      changes.push({ bookId: id, version, book: toBook(id, decodeTime(row['created']), content) });
    }
  }
  const adopted = changes.map(({ bookId }) => bookId);
  if (adopted.length > 0) await connection.change('DELETE FROM catalogue_removed_book WHERE id IN (?)', [adopted]);
  return { rows: rows.length, changes };
}

async function readRemovedVersions(
  connection: MysqlConnection,
  ids: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const rows = await connection.rows('SELECT id, version FROM catalogue_removed_book WHERE id IN (?)', [ids]);
  return new Map(rows.map((row) => [Number(row['id']), Number(row['version'])]));
}

/** @returns null for a row without a title or one that is deleted: no book to sell. */
function readContent(row: MysqlRow): BookContent | null {
  const texts = decodeTexts(row);
  if (Number(row['deleted']) === 1 || oneLine(texts.title) === '') return null;
  const written = text(row['published'])
    .trim()
    .replace(/ [\d:.]+$/, '');
  const published = readPublished(written);
  return { ...emptyContent, ...texts, published_at: published === 'unusable' ? null : published };
}

async function adoptDeleted(connection: MysqlConnection, table: BooksTable): Promise<readonly BookChange[]> {
  if (!table.marksDeleted) return [];
  const rows = await connection.rows(
    `SELECT id, samsa_version + 1 AS version, ${createdAtText(table)} AS created FROM books
     WHERE deleted_at IS NOT NULL AND samsa_version > 0 LIMIT ? FOR UPDATE SKIP LOCKED`,
    [mostRows],
  );
  if (rows.length === 0) return [];
  const removed = rows.map((row) => ({
    id: Number(row['id']),
    version: Number(row['version']),
    createdAt: decodeTime(row['created']),
  }));
  await connection.change(
    'UPDATE books SET samsa_version = 0, samsa_isbn = NULL, samsa_title_hash = NULL WHERE id IN (?)',
    [removed.map(({ id }) => id)],
  );
  await rememberRemoved(connection, removed);
  return removed.map(({ id, version }) => ({ bookId: id, version, book: null }));
}
