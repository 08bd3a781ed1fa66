import type { SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { titleKey, titleKeyVersion } from '../../book-identity.ts';

const booksAtATime = 1_000;

/**
 * Brings the title keys of some books to the current version. To be called in a transaction, until it returns true:
 * then all keys are current. A process that stops in between leaves the rest to the next one.
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
