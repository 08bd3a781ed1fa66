import { hash } from 'node:crypto';
import type { MysqlConnection, MysqlRow } from '../../../../../mysql/connection.ts';
import { columnText } from '../../../../../sql/statements.ts';
import { wantedTable } from '../../../../../mysql/server.ts';
import { bookLimits, cutTo, oneLine } from '../../book-fields.ts';
import { demoSource } from '../../import-run.ts';
import { decodeGivers, emptyContent, type BookContent, type StoredBook } from '../../stored-book.ts';
import { mostSameBooks, rowsToFind, type KeyedRow, type KnownBooks, type SameBook } from '../../merge-books.ts';
import { text } from '../../tutorial-table/table-columns.ts';

/** The books with these ids, including removed ones. Ids that were never given are left out. */
export async function readBooks(connection: MysqlConnection, ids: readonly number[]): Promise<Map<number, StoredBook>> {
  if (ids.length === 0) return new Map();
  const rows = await connection.rows(
    `SELECT own.*, books.title, books.author, books.description
     FROM state.book AS own LEFT JOIN books ON books.id = own.id AND own.removed = 0
     WHERE own.id IN (?) AND own.version > 0 AND (own.removed = 1 OR books.id IS NOT NULL)`,
    [ids],
  );
  return new Map(rows.map((row) => [Number(row['id']), decodeBook(row)]));
}

/** Books with ids above `afterId`, ascending. */
export async function listBooks(
  connection: MysqlConnection,
  afterId: number,
  limit: number,
): Promise<readonly StoredBook[]> {
  const rows = await connection.rows('SELECT id FROM state.book WHERE id > ? AND removed = 0 ORDER BY id LIMIT ?', [
    afterId,
    limit,
  ]);
  const books = await readBooks(
    connection,
    rows.map((row) => Number(row['id'])),
  );
  return [...books.values()].toSorted((one, other) => one.id - other.id);
}

/** Demo books that nobody has edited: an edit raises the version. At most 200. */
export async function readDemoBooks(connection: MysqlConnection): Promise<readonly StoredBook[]> {
  const rows = await connection.rows(
    `SELECT id FROM state.book_source JOIN state.book ON id = book_id
     WHERE source = ? AND removed = 0 AND version = 1 LIMIT 200`,
    [demoSource],
  );
  return [
    ...(
      await readBooks(
        connection,
        rows.map((row) => Number(row['id'])),
      )
    ).values(),
  ];
}

export function decodeBook(row: MysqlRow): StoredBook {
  const removed = Number(row['removed']) === 1;
  return {
    id: Number(row['id']),
    version: Number(row['version']),
    removed,
    createdAt: columnText(row['created_at']),
    content: removed
      ? { ...emptyContent, title: '' }
      : {
          ...decodeTexts(row),
          published_at: columnText(row['published_at']),
          isbn: columnText(row['isbn']),
          series: columnText(row['series']),
          subjects: JSON.parse(columnText(row['subjects']) ?? '[]') as readonly string[],
          language: columnText(row['language']),
          popularity: Number(row['popularity']),
          other_titles: JSON.parse(columnText(row['other_titles']) ?? '[]') as readonly string[],
        },
    givers: decodeGivers(columnText(row['givers'])),
  };
}

/** Shown for a row without a title. */
const untitled = '(no title)';

/** Columns of `books`, cut to our limits: other programs may write anything there. */
export function decodeTexts(row: MysqlRow): Pick<BookContent, 'title' | 'author' | 'description'> {
  const textOf = (name: string, length: number): string => cutTo(text(row[name]), length);
  const description = textOf('description', bookLimits.descriptionLength);
  return {
    title: oneLine(text(row['title'])) === '' ? untitled : textOf('title', bookLimits.titleLength),
    author: textOf('author', bookLimits.authorLength),
    description: description === '' ? null : description,
  };
}

/** A title key as it is stored: half of a SHA-256, so that its index stays small. */
export function titleHash(key: string): Buffer {
  return hash('sha256', key, 'buffer').subarray(0, 16);
}

/** An id in a source as it is stored: the id, or its SHA-256 when the id is long. */
export function sourceKey(sourceId: string): Buffer {
  const bytes = Buffer.from(sourceId);
  return bytes.length <= mostKeyBytes ? bytes : Buffer.from(`sha256:${hash('sha256', bytes, 'base64')}`);
}

const mostKeyBytes = 50;

export async function findBooks(
  connection: MysqlConnection,
  source: string,
  rows: readonly KeyedRow[],
): Promise<KnownBooks> {
  const sourceIds = rows.flatMap(({ sourceId }) => (sourceId === null ? [] : [sourceId]));
  const named = await findNamed(connection, source, sourceIds);
  const namedBooks = await readBooks(connection, [...new Set(named.values())]);
  const others = rowsToFind(rows, { named, books: namedBooks });
  const isbns = others.flatMap(({ fields }) => (typeof fields.isbn === 'string' ? [fields.isbn] : []));
  const byIsbn = await findSame(connection, 'isbn', new Map(isbns.map((isbn) => [hexOf(isbn), isbn])), source);
  const hashes = new Map(others.map((row) => [hexOf(titleHash(row.titleKey)), row.titleKey]));
  const byTitle = await findSame(connection, 'title', hashes, source);
  const same = [...byIsbn.values(), ...byTitle.values()].flat().map(({ id }) => id);
  const more = await readBooks(
    connection,
    [...new Set(same)].filter((id) => !namedBooks.has(id)),
  );
  const books = new Map([...namedBooks, ...more]);
  return { named, byIsbn, byTitle, books, demoIds: await findDemos(connection, [...books.keys()]) };
}

async function findDemos(connection: MysqlConnection, ids: readonly number[]): Promise<ReadonlySet<number>> {
  if (ids.length === 0) return new Set();
  const wanted = wantedTable(connection.server, 'BIGINT UNSIGNED', ids);
  const rows = await connection.rows(
    `SELECT book_id FROM ${wanted.table} STRAIGHT_JOIN state.book_source FORCE INDEX (by_book)
     ON book_id = wanted.value AND source = ?`,
    [...wanted.parameters, demoSource],
  );
  return new Set(rows.map((row) => Number(row['book_id'])));
}

async function findNamed(
  connection: MysqlConnection,
  source: string,
  sourceIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (sourceIds.length === 0) return new Map();
  const ids = new Map(sourceIds.map((id) => [hexOf(sourceKey(id)), id]));
  const wanted = wantedTable(connection.server, 'VARCHAR(200)', [...ids.keys()]);
  const rows = await connection.rows(
    `SELECT source_key, book_id FROM ${wanted.table} STRAIGHT_JOIN state.book_source FORCE INDEX (PRIMARY)
     ON source = ? AND source_key = UNHEX(wanted.value)`,
    [...wanted.parameters, source],
  );
  return new Map(rows.map((row) => [ids.get(hexOf(row['source_key'] as Buffer))!, Number(row['book_id'])]));
}

const columns = {
  isbn: { column: 'isbn', index: 'book_by_isbn' },
  title: { column: 'title_key', index: 'book_by_title' },
} as const;

/**
 * Uses COUNT, because for EXISTS MariaDB would first read every name of the source.
 * @param values by their bytes in the column, as hex.
 */
async function findSame(
  connection: MysqlConnection,
  by: keyof typeof columns,
  values: ReadonlyMap<string, string>,
  source: string,
): Promise<ReadonlyMap<string, readonly SameBook[]>> {
  const found = new Map<string, SameBook[]>();
  if (values.size === 0) return found;
  const { column, index } = columns[by];
  const wanted = wantedTable(connection.server, 'VARCHAR(200)', [...values.keys()]);
  const rows = await connection.rows(
    `SELECT id, value, named FROM (
       SELECT id, value, named, ROW_NUMBER() OVER (PARTITION BY value, named ORDER BY id) AS nth FROM (
         SELECT id, ${column} AS value,
           (SELECT COUNT(*) FROM state.book_source FORCE INDEX (by_book)
            WHERE book_id = book.id AND source = ?) > 0 AS named
         FROM ${wanted.table} STRAIGHT_JOIN state.book AS book FORCE INDEX (${index})
           ON ${column} = UNHEX(wanted.value)) same) placed
     WHERE nth <= ? ORDER BY id`,
    [source, ...wanted.parameters, mostSameBooks],
  );
  for (const row of rows) {
    const value = values.get(hexOf(row['value'] as Buffer))!;
    const same = found.get(value) ?? [];
    same.push({ id: Number(row['id']), isNamed: Number(row['named']) === 1 });
    found.set(value, same);
  }
  return found;
}

function hexOf(value: string | Uint8Array): string {
  return Buffer.from(value).toString('hex');
}
