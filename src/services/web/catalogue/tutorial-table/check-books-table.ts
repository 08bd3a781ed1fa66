import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { SamsaError } from '../../../../errors.ts';
import { holdsDates, readIndexes, type Columns } from './table-columns.ts';

/** The greatest id that is accepted. JavaScript is exact up to twice this number, so enough ids are left. */
export const mostBookId = 2 ** 52;

/** The columns that we write. Every other column must be NULL or have a default. */
const writtenColumns = ['id', 'title', 'author', 'published_at', 'description', 'created_at'];

/**
 * Checks that `books` can be a catalogue.
 * @throws SamsaError `bad-configuration`: what was expected, what was found, and the statement that corrects it.
 */
export async function checkBooks(connection: MysqlConnection, database: string, columns: Columns): Promise<void> {
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
export function refuse(database: string, problem: string, wayOut: string): never {
  throw new SamsaError('bad-configuration', `db.dsn: the table books at ${database}: expected ${problem}. ${wayOut}`);
}
