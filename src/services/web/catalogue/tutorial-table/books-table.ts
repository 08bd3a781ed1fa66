import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { SamsaError } from '../../../../errors.ts';
import { bookLimits } from '../book-fields.ts';
import { holdsDates, readColumns, readIndexes, type Column, type Columns } from './table-columns.ts';
import { checkBooks, refuse } from './check-books-table.ts';

/** What is particular about the table `books` of this database. */
export type BooksTable = {
  /** Whether `published_at` takes a text; ours is in `samsa_published_at`, theirs repeats it where it can. */
  readonly publishedIsText: boolean;
  /** Theirs where it is a time, else one of our own. */
  readonly createdColumn: 'created_at' | 'samsa_created_at';
  /** Whether rows may be marked as deleted, as the tutorial's ORM does it. */
  readonly marksDeleted: boolean;
};

/** Everything we know of a book that the tutorial's table has no column for; bytes, so that they compare exactly. */
const ownColumns: Readonly<Record<string, string>> = {
  // NULL: written by somebody else and not looked at yet. 0: looked at, and not a book that can be sold.
  samsa_version: 'BIGINT',
  samsa_published_at: 'VARBINARY(16)',
  samsa_isbn: 'VARBINARY(13)',
  samsa_series: 'VARBINARY(800)',
  samsa_subjects: 'BLOB',
  samsa_language: 'VARBINARY(100)',
  samsa_popularity: 'BIGINT',
  samsa_title_hash: 'BINARY(16)',
};

const textColumn = 'LONGTEXT CHARACTER SET utf8mb4';
const theirColumns: Readonly<Record<string, string>> = {
  title: textColumn,
  author: textColumn,
  published_at: textColumn,
  description: textColumn,
  created_at: 'DATETIME(3)',
};

const textLimits = {
  title: bookLimits.titleLength,
  author: bookLimits.authorLength,
  description: bookLimits.descriptionLength,
} as const;

/**
 * Makes `books` fit to be the catalogue, whoever made it: adds what is missing, and widens texts that cannot hold every
 * book or every character. Rows, other columns and indexes stay as they are. To be called under a lock; does nothing
 * when nothing is to be done.
 * @throws SamsaError `bad-configuration` saying what about the table must be changed, and how.
 */
export async function prepareBooks(connection: MysqlConnection, database: string): Promise<void> {
  const columns = await readColumns(connection, 'books');
  await checkBooks(connection, database, columns);
  const changes = [...missingColumns(columns), ...widenedColumns(columns, database)];
  const indexes = await readIndexes(connection, 'books');
  const wanted = Object.entries(ownIndexes(columns)).filter(([name]) => !indexes.has(name));
  changes.push(...wanted.map(([name, parts]) => `ADD KEY ${name} (${parts})`));
  if (changes.length === 0) return;
  const statement = `ALTER TABLE books ${changes.join(', ')}`;
  try {
    await connection.change(statement);
  } catch (error) {
    if (connection.isLost() || !(error instanceof Error)) throw error;
    throw new SamsaError(
      'bad-configuration',
      `db.dsn: expected a table books at ${database} that may be changed, got: ${error.message}. ` +
        `Grant ALTER and INDEX on it, or run this yourself: ${statement}`,
      { cause: error },
    );
  }
}

/** To be asked after `prepareBooks`. */
export async function describeBooks(connection: MysqlConnection): Promise<BooksTable> {
  const columns = await readColumns(connection, 'books');
  return {
    publishedIsText: holdsDates(columns.get('published_at')),
    createdColumn: isTime(columns.get('created_at')) ? 'created_at' : 'samsa_created_at',
    marksDeleted: isTime(columns.get('deleted_at')),
  };
}

function missingColumns(columns: Columns): readonly string[] {
  const wanted = { ...theirColumns, ...ownColumns };
  if (columns.has('created_at') && !isTime(columns.get('created_at'))) wanted['samsa_created_at'] = 'DATETIME(3)';
  return Object.entries(wanted)
    .filter(([name]) => !columns.has(name))
    .map(([name, type]) => `ADD COLUMN ${name} ${type}`);
}

function ownIndexes(columns: Columns): Readonly<Record<string, string>> {
  return {
    samsa_by_version: 'samsa_version',
    samsa_by_isbn: 'samsa_isbn',
    samsa_by_title: 'samsa_title_hash',
    ...(isTime(columns.get('deleted_at')) && { samsa_by_deletion: 'deleted_at, samsa_version' }),
  };
}

function widenedColumns(columns: Columns, database: string): readonly string[] {
  const changes: string[] = [];
  for (const [name, length] of Object.entries(textLimits)) {
    const column = columns.get(name);
    if (column === undefined || (holdsText(column, length) && column.charset === 'utf8mb4')) continue;
    if (!column.isText) refuse(database, `${name} as text, found ${column.type}`, `Rename that column of books.`);
    const type =
      column.type === 'varchar' && length <= 500 ? `VARCHAR(${Math.max(length, column.length)})` : 'LONGTEXT';
    if (column.hasDefault) {
      refuse(
        database,
        `${name} to hold ${length} characters of utf8mb4, found ${column.type}(${column.length}) in ${column.charset}`,
        `Change it, keeping its default: ALTER TABLE books MODIFY ${name} ${type} CHARACTER SET utf8mb4 ….`,
      );
    }
    changes.push(`MODIFY ${name} ${type} CHARACTER SET utf8mb4${column.isNullable ? '' : ' NOT NULL'}`);
  }
  return changes;
}

/** `length` counts as JavaScript does, where no character takes more than three bytes of UTF-8 each. */
function holdsText(column: Column | undefined, length: number): boolean {
  return column !== undefined && column.isText && column.length >= length && column.bytes >= 3 * length;
}

function isTime(column: Column | undefined): boolean {
  return column?.type === 'datetime' || column?.type === 'timestamp';
}
