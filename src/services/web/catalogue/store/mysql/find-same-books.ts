import { hash } from 'node:crypto';
import type { MysqlConnection } from '../../../../../mysql/connection.ts';
import { askedBytes, hexList } from './asked-values.ts';

/** Books by what an import may know them by. */
export type SameBooks = {
  /** By the key of an id in the source, as hex. */
  readonly named: ReadonlyMap<string, number>;
  /** By ISBN, and by the hash of title, author and year as hex: the oldest first. */
  readonly byIsbn: ReadonlyMap<string, readonly SameBook[]>;
  readonly byTitle: ReadonlyMap<string, readonly SameBook[]>;
};

export type SameBook = { readonly id: number; /** Whether the source has an id for it. */ readonly isNamed: boolean };

export type WantedBooks = {
  readonly sourceIds: readonly string[];
  readonly isbns: readonly string[];
  readonly titles: readonly Buffer[];
  /** So many books of each kind are enough. */
  readonly most: number;
};

/** What an id in a source is kept as. */
export function sourceKey(sourceId: string): Buffer {
  const bytes = Buffer.from(sourceId);
  return bytes.length <= mostKeyBytes ? bytes : Buffer.from(`sha256:${hash('sha256', bytes, 'base64')}`);
}

const mostKeyBytes = 50;

export async function findSameBooks(
  connection: MysqlConnection,
  source: string,
  wanted: WantedBooks,
): Promise<SameBooks> {
  const keys = wanted.sourceIds.map(sourceKey);
  const named =
    keys.length === 0
      ? []
      : await connection.rows(
          `SELECT source_key, book_id FROM ${askedBytes} STRAIGHT_JOIN catalogue_book_source FORCE INDEX (PRIMARY)
           ON source = ? AND source_key = UNHEX(asked.hex)`,
          [hexList(keys), source],
        );
  const { isbns, titles, most } = wanted;
  return {
    named: new Map(named.map((row) => [(row['source_key'] as Buffer).toString('hex'), Number(row['book_id'])])),
    byIsbn: await findBy(connection, 'isbn', isbns, source, most, 'latin1'),
    byTitle: await findBy(connection, 'title', titles, source, most, 'hex'),
  };
}

const columns = {
  isbn: { column: 'samsa_isbn', index: 'samsa_by_isbn' },
  title: { column: 'samsa_title_hash', index: 'samsa_by_title' },
} as const;

/**
 * COUNT instead of EXISTS: that one MariaDB would answer by reading every name of the source first.
 * However many books are alike, only the first few that the source names and the first few that it does not.
 */
async function findBy(
  connection: MysqlConnection,
  by: keyof typeof columns,
  values: readonly (string | Buffer)[],
  source: string,
  most: number,
  encoding: 'latin1' | 'hex',
): Promise<ReadonlyMap<string, readonly SameBook[]>> {
  const found = new Map<string, SameBook[]>();
  if (values.length === 0) return found;
  const { column, index } = columns[by];
  const rows = await connection.rows(
    `SELECT id, wanted, named FROM (
       SELECT id, wanted, named, ROW_NUMBER() OVER (PARTITION BY wanted, named ORDER BY id) AS place FROM (
         SELECT id, ${column} AS wanted,
           (SELECT COUNT(*) FROM catalogue_book_source FORCE INDEX (by_book)
            WHERE book_id = books.id AND source = ?) > 0 AS named
         FROM ${askedBytes} STRAIGHT_JOIN books FORCE INDEX (${index}) ON ${column} = UNHEX(asked.hex)) alike) placed
     WHERE place <= ? ORDER BY id`,
    [source, hexList(values), most],
  );
  for (const row of rows) {
    const value = (row['wanted'] as Buffer).toString(encoding);
    const alike = found.get(value) ?? [];
    alike.push({ id: Number(row['id']), isNamed: Number(row['named']) === 1 });
    found.set(value, alike);
  }
  return found;
}
