import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { SamsaError } from '../../../../errors.ts';
import { bookLimits } from '../book-fields.ts';
import { checkBooks, refuse } from './check-books-table.ts';
import { moveOwnColumns } from './move-own-columns.ts';
import { holdsDates, isTime, readColumns, type Column, type Columns } from './table-columns.ts';

/** How the table `books` of this database differs from the one we would make. */
export type BooksTable = {
  /** Whether `published_at` takes a text. Ours is in a table of our own; theirs repeats it where it can. */
  readonly publishedIsText: boolean;
  readonly createdIsTime: boolean;
  /** Whether rows may be marked as deleted, as the tutorial's ORM does it. */
  readonly marksDeleted: boolean;
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
 * Makes `books` fit to be the catalogue: adds columns of the tutorial's that are missing, and widens texts that cannot
 * hold every book or every character. Rows, other columns and indexes stay as they are. To be called under a lock.
 * @throws SamsaError `bad-configuration` saying what about the table must be changed, and how.
 */
export async function prepareBooks(connection: MysqlConnection, database: string): Promise<void> {
  const columns = await readColumns(connection, 'books');
  await checkBooks(connection, database, columns);
  if (columns.has('samsa_version')) await moveOwnColumns(connection, columns);
  const missing = Object.entries(theirColumns).filter(([name]) => !columns.has(name));
  const added = missing.map(([name, type]) => `ADD COLUMN ${name} ${type}`);
  const changes = [...added, ...widenedColumns(columns, database)];
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

/** To be called after `prepareBooks`. */
export async function describeBooks(connection: MysqlConnection): Promise<BooksTable> {
  const columns = await readColumns(connection, 'books');
  return {
    publishedIsText: holdsDates(columns.get('published_at')),
    createdIsTime: isTime(columns.get('created_at')),
    marksDeleted: isTime(columns.get('deleted_at')),
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
