import { columnText, type MysqlConnection, type MysqlRow } from '../../../../../mysql/connection.ts';
import { bookLimits, cutTo } from '../../book-fields.ts';
import type { BooksTable } from '../../tutorial-table/books-table.ts';
import type { BookContent } from '../../catalogue.ts';
import { emptyContent, type StoredBook } from '../stored-book.ts';
import { text } from '../../tutorial-table/table-columns.ts';

/** RFC 3339, whole seconds; `NULL` stays. */
export const createdAtText = (table: BooksTable): string => `DATE_FORMAT(${table.createdColumn}, '%Y-%m-%dT%H:%i:%sZ')`;

/** The books of some ids, also removed ones; none for ids that never were. */
export async function readBooks(
  connection: MysqlConnection,
  table: BooksTable,
  ids: readonly number[],
): Promise<Map<number, StoredBook>> {
  const books = new Map<number, StoredBook>();
  if (ids.length === 0) return books;
  const rows = await connection.rows(
    `SELECT id, samsa_version AS version, ${createdAtText(table)} AS created, title, author, description,
       samsa_published_at AS published, samsa_isbn AS isbn, samsa_series AS series, samsa_subjects AS subjects,
       samsa_language AS language, samsa_popularity AS popularity
     FROM books WHERE id IN (?) AND samsa_version > 0`,
    [ids],
  );
  for (const row of rows) books.set(Number(row['id']), decodeBook(row));
  const missing = ids.filter((id) => !books.has(id));
  if (missing.length === 0) return books;
  const removed = await connection.rows('SELECT * FROM catalogue_removed_book WHERE id IN (?)', [missing]);
  for (const row of removed) {
    const [id, version] = [Number(row['id']), Number(row['version'])];
    const createdAt = columnText(row['created_at']);
    books.set(id, { id, version, removed: true, createdAt, content: { ...emptyContent, title: '' } });
  }
  return books;
}

function decodeBook(row: MysqlRow): StoredBook {
  return {
    id: Number(row['id']),
    version: Number(row['version']),
    removed: false,
    createdAt: decodeTime(row['created']),
    content: {
      ...decodeTexts(row),
      published_at: columnText(row['published']),
      isbn: columnText(row['isbn']),
      series: columnText(row['series']),
      subjects: JSON.parse(columnText(row['subjects']) ?? '[]') as readonly string[],
      language: columnText(row['language']),
      popularity: Number(row['popularity']),
    },
  };
}

/** Their columns as they are, cut to our limits: rows of others may hold anything. */
export function decodeTexts(row: MysqlRow): Pick<BookContent, 'title' | 'author' | 'description'> {
  const textOf = (name: string, length: number): string => cutTo(text(row[name]), length);
  const description = textOf('description', bookLimits.descriptionLength);
  return {
    title: textOf('title', bookLimits.titleLength),
    author: textOf('author', bookLimits.authorLength),
    description: description === '' ? null : description,
  };
}

/** A time that never was (`0000-00-00`) is none. */
export function decodeTime(value: unknown): string | null {
  return typeof value === 'string' && !/^0000|-00/.test(value) ? value : null;
}
