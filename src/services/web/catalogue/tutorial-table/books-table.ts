import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { SamsaError } from '../../../../errors.ts';
import { bookLimits } from '../book-fields.ts';
import { checkBooks, refuse } from './check-books-table.ts';
import { holdsDates, isTime, readColumns, readIndexes, type Column, type Columns } from './table-columns.ts';

/** How the table `books` of this database differs from the one we would create. */
export type BooksTable = {
  /** Whether `published_at` accepts text. The value we use is in a table of ours; this column repeats it if it can. */
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

/**
 * The columns that an earlier version added to `books`. Another program's table may have one of these names, but not
 * all.
 */
const earlierColumns = [
  'samsa_version',
  'samsa_published_at',
  'samsa_isbn',
  'samsa_series',
  'samsa_subjects',
  'samsa_language',
  'samsa_popularity',
  'samsa_title_hash',
];
/** Added when `created_at` could not hold a time. */
const earlierTimeColumn = 'samsa_created_at';
const earlierIndexes = ['samsa_by_version', 'samsa_by_isbn', 'samsa_by_title'];

const textLimits = {
  title: bookLimits.titleLength,
  author: bookLimits.authorLength,
  description: bookLimits.descriptionLength,
} as const;

/**
 * Makes `books` usable as the catalogue: adds missing columns of the tutorial, and widens text columns that cannot hold
 * every book or every character. Rows, other columns and indexes stay as they are. Call it under a lock.
 * @throws SamsaError `bad-configuration`; the message says what must be changed in the table, and how.
 */
export async function prepareBooks(connection: MysqlConnection, database: string): Promise<void> {
  const columns = await readColumns(connection, 'books');
  await checkBooks(connection, database, columns);
  if (earlierColumns.every((name) => columns.has(name))) await moveOwnColumns(connection, columns);
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

/** Call it after `prepareBooks`. */
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

/** `length` counts UTF-16 units, as JavaScript does. One unit takes at most three bytes in UTF-8. */
function holdsText(column: Column | undefined, length: number): boolean {
  return column !== undefined && column.isText && column.length >= length && column.bytes >= 3 * length;
}

const idsAtATime = 20_000;

/** The CRC-32 of a row's title and author, as `writeOwnRows` stores it. */
export const textCrc = "CRC32(CONCAT(COALESCE(books.title, ''), '|', COALESCE(books.author, '')))";

/**
 * Moves what an earlier version kept in columns of `books` into `state.book`, some rows at a time, then drops those
 * columns. If it is stopped, the next call does the rest. Title keys are computed before the next import.
 */
async function moveOwnColumns(connection: MysqlConnection, columns: Columns): Promise<void> {
  const created = createdText(isTime(columns.get('created_at')) ? 'created_at' : earlierTimeColumn);
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
  const indexes = [...(await readIndexes(connection, 'books')).keys()].filter((name) => earlierIndexes.includes(name));
  const own = [...earlierColumns, earlierTimeColumn].filter((name) => columns.has(name));
  const drops = [...indexes.map((name) => `DROP KEY ${name}`), ...own.map((name) => `DROP COLUMN ${name}`)];
  await connection.change(`ALTER TABLE books ${drops.join(', ')}`);
  await connection.change('DELETE FROM state.removed_book');
}

/** SQL for the time in RFC 3339, in whole seconds. NULL stays NULL, and `0000-00-00` stays as it is. */
export function createdText(column: string): string {
  return `DATE_FORMAT(books.${column}, '%Y-%m-%dT%H:%i:%sZ')`;
}
