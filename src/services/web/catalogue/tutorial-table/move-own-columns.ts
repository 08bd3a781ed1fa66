import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { isTime, readIndexes, type Columns } from './table-columns.ts';

const idsAtATime = 20_000;

/** The CRC-32 of a row's title and author, as `writeOwnRows` has it. */
export const textCrc = "CRC32(CONCAT(COALESCE(books.title, ''), '|', COALESCE(books.author, '')))";

/**
 * Moves what an earlier version kept in columns of `books` into `state.book`, some rows at a time, and drops those
 * columns. Started again after it was stopped, it does the rest. Title keys are computed before the next import.
 */
export async function moveOwnColumns(connection: MysqlConnection, columns: Columns): Promise<void> {
  const created = createdText(isTime(columns.get('created_at')) ? 'created_at' : 'samsa_created_at');
  const [last] = await connection.rows('SELECT COALESCE(MAX(id), 0) AS id FROM books');
  for (let from = 0; from <= Number(last?.['id']); from += idsAtATime) {
    await connection.change(
      `INSERT IGNORE INTO state.book (id, version, removed, created_at, published_at, isbn, series, subjects, language,
         popularity, text_crc)
       SELECT id, samsa_version, 0, ${created}, samsa_published_at, samsa_isbn, samsa_series,
         COALESCE(samsa_subjects, '[]'), samsa_language, COALESCE(samsa_popularity, 0), ${textCrc}
       FROM books WHERE samsa_version > 0 AND id > ? AND id <= ?`,
      [from, from + idsAtATime],
    );
  }
  await connection.change(
    `INSERT INTO state.book (id, version, removed, created_at, subjects)
     SELECT id, version, 1, created_at, '[]' FROM state.removed_book
     ON DUPLICATE KEY UPDATE version = VALUES(version), removed = 1`,
  );
  await connection.change('UPDATE state.title_keys SET version = 0, next_id = 1 WHERE id = 1');
  const indexes = [...(await readIndexes(connection, 'books')).keys()].filter((name) => name.startsWith('samsa_'));
  const own = [...columns.keys()].filter((name) => name.startsWith('samsa_'));
  const drops = [...indexes.map((name) => `DROP KEY ${name}`), ...own.map((name) => `DROP COLUMN ${name}`)];
  await connection.change(`ALTER TABLE books ${drops.join(', ')}`);
  await connection.change('DELETE FROM state.removed_book');
}

/** RFC 3339 in whole seconds, as SQL; NULL stays, and so does a time that never was. */
export function createdText(column: string): string {
  return `DATE_FORMAT(books.${column}, '%Y-%m-%dT%H:%i:%sZ')`;
}
