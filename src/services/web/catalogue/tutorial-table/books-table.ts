import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { SamsaError } from '../../../../errors.ts';
import { bookLimits } from '../book-fields.ts';
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

/** The greatest id that is accepted. JavaScript is exact up to twice this number, so enough ids are left. */
const mostBookId = 2 ** 52;

/** The columns that we write. Every other column must be NULL or have a default. */
const writtenColumns = ['id', 'title', 'author', 'published_at', 'description', 'created_at'];

/**
 * Checks that `books` can be a catalogue.
 * @throws SamsaError `bad-configuration`: what was expected, what was found, and the statement that corrects it.
 */
async function checkBooks(connection: MysqlConnection, database: string, columns: Columns): Promise<void> {
  await checkTable(connection, database);
  await checkIndexes(connection, database, columns);
  const unknown = [...columns].filter(
    ([name, column]) => !writtenColumns.includes(name) && !column.isNullable && !column.hasDefault && !column.isFilled,
  );
  const published = columns.get('published_at');
  if (published !== undefined && !holdsDates(published) && !published.isNullable && !published.hasDefault) {
    unknown.push(['published_at', published]);
  }
  if (unknown.length > 0) {
    const names = unknown.map(([name]) => name).join(', ');
    refuse(database, `every column it does not know to have a default, found none for ${names}`, howToDefault(names));
  }
  await checkIds(connection, database);
}

const howToDefault = (names: string): string =>
  `Let them be NULL or give them a default (${names}): ALTER TABLE books MODIFY … NULL.`;

async function checkTable(connection: MysqlConnection, database: string): Promise<void> {
  const [table] = await connection.rows(
    `SELECT TABLE_TYPE AS type, ENGINE AS engine FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'books'`,
  );
  if (!String(table?.['type']).startsWith('BASE')) {
    refuse(database, 'a table, found a view', 'Give the shop a database without a view of that name.');
  }
  if (String(table?.['engine']).toLowerCase() === 'innodb') return;
  refuse(
    database,
    `a table with transactions, found the engine ${String(table?.['engine'])}`,
    'Run: ALTER TABLE books ENGINE = InnoDB.',
  );
}

async function checkIndexes(connection: MysqlConnection, database: string, columns: Columns): Promise<void> {
  const indexes = await readIndexes(connection, 'books');
  const id = columns.get('id');
  const numberType = 'BIGINT UNSIGNED NOT NULL AUTO_INCREMENT';
  if (id === undefined) {
    refuse(database, 'a column id, found none', `Run: ALTER TABLE books ADD COLUMN id ${numberType} PRIMARY KEY.`);
  }
  const key = indexes.get('primary')?.columns.join(', ');
  if (key !== 'id') {
    const way = key === undefined ? 'ADD PRIMARY KEY (id)' : 'DROP PRIMARY KEY, ADD PRIMARY KEY (id)';
    refuse(database, `id as the primary key, found ${key ?? 'none'}`, `Run: ALTER TABLE books ${way}.`);
  }
  if (!id.isAutoIncrement || !id.type.endsWith('int')) {
    const found = id.isAutoIncrement ? id.type : `${id.type} without AUTO_INCREMENT`;
    refuse(database, `that the server numbers id, found ${found}`, `Run: ALTER TABLE books MODIFY id ${numberType}.`);
  }
  for (const [name, index] of indexes) {
    if (name === 'primary' || !index.isUnique || index.columns.some((part) => !writtenColumns.includes(part))) continue;
    refuse(
      database,
      `that two books may have equal ${index.columns.join(', ')}, found the unique index ${name}`,
      `Run: ALTER TABLE books DROP INDEX ${name}.`,
    );
  }
}

async function checkIds(connection: MysqlConnection, database: string): Promise<void> {
  const [ids] = await connection.rows('SELECT MIN(id) AS least, MAX(id) AS most FROM books');
  if (ids === undefined || ids['least'] === null) return;
  for (const id of [Number(ids['least']), Number(ids['most'])]) {
    if (id >= 1 && id < mostBookId) continue;
    refuse(database, `ids from 1 to ${mostBookId - 1}, found ${id}`, 'Give that book another id.');
  }
}

/** @throws SamsaError `bad-configuration` always. */
function refuse(database: string, problem: string, wayOut: string): never {
  throw new SamsaError('bad-configuration', `db.dsn: the table books at ${database}: expected ${problem}. ${wayOut}`);
}
