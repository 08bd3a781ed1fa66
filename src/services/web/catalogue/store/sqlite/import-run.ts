import type { SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { titleKey } from '../../book-identity.ts';
import { insertBook, readBook, updateBook } from './book-rows.ts';
import { demoSource, type MergeOutcome, type SourcedBook } from '../../catalogue.ts';
import { emptyContent, isSameContent, type StoredBook } from '../stored-book.ts';

export type Merged = { readonly bookId: number; readonly outcome: MergeOutcome };

/** Merges one row inside a transaction; `isTouched` also knows the books earlier rows of the transaction touched. */
export function mergeRow(
  database: SqliteDatabase,
  source: string,
  row: SourcedBook,
  isTouched: (id: number) => boolean,
  nowMs: number,
): Merged {
  const known = findBook(database, source, row);
  if (known === null) {
    const { bookId } = insertBook(database, { ...emptyContent, ...row.fields }, nowMs);
    nameBook(database, source, row.sourceId, bookId);
    return { bookId, outcome: 'added' };
  }
  if (isTouched(known.id)) return { bookId: known.id, outcome: 'repeated' };
  const takesPlace = source !== demoSource && isDemo(database, known.id);
  if (takesPlace)
    database.prepare('DELETE FROM book_source WHERE source = ? AND book_id = ?').run(demoSource, known.id);
  nameBook(database, source, row.sourceId, known.id);
  const startsAnew = takesPlace || known.removed;
  const content = { ...(startsAnew ? emptyContent : known.content), ...row.fields };
  if (!known.removed && isSameContent(known.content, content)) return { bookId: known.id, outcome: 'unchanged' };
  updateBook(database, known, content, nowMs);
  return { bookId: known.id, outcome: known.removed ? 'added' : 'updated' };
}

/** Contract §4: (source, source id), then ISBN-13, then title, first author and year. */
function findBook(database: SqliteDatabase, source: string, { sourceId, fields }: SourcedBook): StoredBook | null {
  if (sourceId !== null) {
    const named = database
      .prepare('SELECT book_id FROM book_source WHERE source = ? AND source_id = ?')
      .get(source, sourceId);
    if (named !== undefined) return readBook(database, Number(named['book_id']));
  }
  const byIsbn = typeof fields.isbn === 'string' ? findUnnamed(database, 'isbn', fields.isbn, source, sourceId) : null;
  return byIsbn ?? findUnnamed(database, 'title_key', titleKey(fields), source, sourceId);
}

/** The oldest such book that the source does not know by another id. */
function findUnnamed(
  database: SqliteDatabase,
  column: 'isbn' | 'title_key',
  value: string,
  source: string,
  sourceId: string | null,
): StoredBook | null {
  const found = database
    .prepare(
      `SELECT id FROM book WHERE ${column} = ?1 AND (?3 IS NULL OR NOT EXISTS
         (SELECT 1 FROM book_source WHERE book_id = book.id AND source = ?2)) ORDER BY id LIMIT 1`,
    )
    .get(value, source, sourceId);
  return found === undefined ? null : readBook(database, Number(found['id']));
}

function isDemo(database: SqliteDatabase, bookId: number): boolean {
  return (
    database.prepare('SELECT 1 FROM book_source WHERE book_id = ? AND source = ?').get(bookId, demoSource) !== undefined
  );
}

function nameBook(database: SqliteDatabase, source: string, sourceId: string | null, bookId: number): void {
  if (sourceId === null) return;
  database.prepare('INSERT INTO book_source VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(source, sourceId, bookId);
}
