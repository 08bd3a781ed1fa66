import type { SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { demoSource } from '../../import-run.ts';
import { decodeGivers, type BookContent, type StoredBook } from '../../stored-book.ts';
import { mostSameBooks, rowsToFind, type KeyedRow, type KnownBooks, type SameBook } from '../../merge-books.ts';

/** Reads a book, even a removed one; `null` for an id that was never given. */
export function readBook(database: SqliteDatabase, id: number): StoredBook | null {
  const row = database.prepare('SELECT * FROM book WHERE id = ?').get(id);
  return row === undefined ? null : decodeBook(row);
}

export function decodeBook(row: Readonly<Record<string, unknown>>): StoredBook {
  const { id, version, removed, created_at, title_key: _, subjects, other_titles, givers, ...fields } = row;
  return {
    id: Number(id),
    version: Number(version),
    removed: removed === 1,
    createdAt: String(created_at),
    content: {
      ...fields,
      subjects: JSON.parse(String(subjects)),
      other_titles: JSON.parse(String(other_titles)),
    } as unknown as BookContent,
    givers: decodeGivers(givers as string | null),
  };
}

export function findBooks(database: SqliteDatabase, source: string, rows: readonly KeyedRow[]): KnownBooks {
  const named = new Map<string, number>();
  const sourceIds = rows.flatMap(({ sourceId }) => (sourceId === null ? [] : [sourceId]));
  for (const row of database.prepare(namedSql).all(JSON.stringify(sourceIds), source)) {
    named.set(String(row['source_id']), Number(row['book_id']));
  }
  const books = new Map<number, StoredBook>();
  const read = (ids: Iterable<number>): void => {
    for (const id of ids) {
      const book = books.has(id) ? null : readBook(database, id);
      if (book !== null) books.set(id, book);
    }
  };
  read(named.values());
  const others = rowsToFind(rows, { named, books });
  const isbns = others.flatMap(({ fields }) => (typeof fields.isbn === 'string' ? [fields.isbn] : []));
  const titleKeys = others.map((row) => row.titleKey);
  const byIsbn = findSame(database, 'isbn', isbns, source);
  const byTitle = findSame(database, 'title_key', titleKeys, source);
  read([...byIsbn.values(), ...byTitle.values()].flat().map(({ id }) => id));
  const demos = database.prepare(demosSql).all(JSON.stringify([...books.keys()]), demoSource);
  return { named, byIsbn, byTitle, books, demoIds: new Set(demos.map((row) => Number(row['book_id']))) };
}

const namedSql = `SELECT source_id, book_id FROM json_each(?) AS wanted CROSS JOIN book_source
  ON source = ? AND source_id = wanted.value`;

const demosSql = `SELECT book_id FROM json_each(?) AS wanted CROSS JOIN book_source
  ON book_id = wanted.value AND source = ?`;

function findSame(
  database: SqliteDatabase,
  column: 'isbn' | 'title_key',
  values: readonly string[],
  source: string,
): ReadonlyMap<string, readonly SameBook[]> {
  const found = new Map<string, SameBook[]>();
  if (values.length === 0) return found;
  const rows = database
    .prepare(
      `SELECT id, value, named FROM (
         SELECT id, value, named, row_number() OVER (PARTITION BY value, named ORDER BY id) AS nth FROM (
           SELECT book.id AS id, wanted.value AS value,
             EXISTS (SELECT 1 FROM book_source WHERE book_id = book.id AND source = ?) AS named
           FROM json_each(?) AS wanted CROSS JOIN book ON book.${column} = wanted.value))
       WHERE nth <= ? ORDER BY id`,
    )
    .all(source, JSON.stringify([...new Set(values)]), mostSameBooks);
  for (const row of rows) {
    const value = String(row['value']);
    const same = found.get(value) ?? [];
    same.push({ id: Number(row['id']), isNamed: row['named'] === 1 });
    found.set(value, same);
  }
  return found;
}
