import type { MysqlConnection } from '../../../../../mysql/connection.ts';
import { titleKey, titleKeyVersion } from '../../book-identity.ts';
import { decodeBook, titleHash } from './find-books.ts';

const booksAtATime = 1_000;

/**
 * Brings the title keys of some books to the current version. To be called in a transaction, until it returns true:
 * then all keys are current. A process that stops in between leaves the rest to the next one.
 */
export async function renewTitleKeys(connection: MysqlConnection): Promise<boolean> {
  const [keys] = await connection.rows('SELECT version, next_id FROM state.title_keys WHERE id = 1');
  if (Number(keys?.['version']) === titleKeyVersion) return true;
  const rows = await connection.rows(
    `SELECT own.*, title, author, description FROM state.book AS own JOIN books ON books.id = own.id
     WHERE own.id >= ? AND removed = 0 ORDER BY own.id LIMIT ?`,
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
