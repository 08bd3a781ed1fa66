import type { MysqlConnection, MysqlRow } from '../../../../mysql/connection.ts';

/** A column of a table that another program may have created. */
export type Column = {
  /** As `varchar`, `bigint`. */
  readonly type: string;
  readonly isText: boolean;
  /** Characters and bytes a text may have; 0 for other types. */
  readonly length: number;
  readonly bytes: number;
  readonly charset: string | null;
  readonly isNullable: boolean;
  readonly hasDefault: boolean;
  /** Whether the server fills it in. */
  readonly isFilled: boolean;
  readonly isAutoIncrement: boolean;
};

/** By name in lower case: servers compare names without case. */
export type Columns = ReadonlyMap<string, Column>;

const textTypes = ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'];

export async function readColumns(connection: MysqlConnection, table: string): Promise<Columns> {
  const rows = await connection.rows(
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type, CHARACTER_MAXIMUM_LENGTH AS characters, EXTRA AS extra,
       CHARACTER_OCTET_LENGTH AS bytes, CHARACTER_SET_NAME AS charset, IS_NULLABLE AS nullable,
       COLUMN_DEFAULT AS fallback
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
    [table],
  );
  return new Map(rows.map((row) => [text(row['name']).toLowerCase(), decodeColumn(row)]));
}

/** The columns of each index by its name in lower case, in order. */
export type Indexes = ReadonlyMap<string, { readonly isUnique: boolean; readonly columns: readonly string[] }>;

export async function readIndexes(connection: MysqlConnection, table: string): Promise<Indexes> {
  const rows = await connection.rows(
    `SELECT INDEX_NAME AS name, NON_UNIQUE AS repeats, COLUMN_NAME AS part FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    [table],
  );
  const indexes = new Map<string, { isUnique: boolean; columns: string[] }>();
  for (const row of rows) {
    const name = text(row['name']).toLowerCase();
    const index = indexes.get(name) ?? { isUnique: Number(row['repeats']) === 0, columns: [] };
    index.columns.push(text(row['part']).toLowerCase());
    indexes.set(name, index);
  }
  return indexes;
}

function decodeColumn(row: MysqlRow): Column {
  const type = text(row['type']).toLowerCase();
  const extra = text(row['extra']).toLowerCase();
  return {
    type,
    isText: textTypes.includes(type),
    length: Number(row['characters'] ?? 0),
    bytes: Number(row['bytes'] ?? 0),
    charset: row['charset'] === null ? null : text(row['charset']),
    isNullable: text(row['nullable']) === 'YES',
    // For a nullable column without a default, MariaDB returns the word NULL.
    hasDefault: row['fallback'] !== null && text(row['fallback']).toUpperCase() !== 'NULL',
    isFilled: extra.includes('auto_increment') || /\bgenerated\b/.test(extra),
    isAutoIncrement: extra.includes('auto_increment'),
  };
}

/** Whether the column can hold every `published_at` as text. The longest looks like -9999-12-31. */
export function holdsDates(column: Column | undefined): boolean {
  return column !== undefined && column.isText && column.length >= 11;
}

export function isTime(column: Column | undefined): boolean {
  return column?.type === 'datetime' || column?.type === 'timestamp';
}

/** A column's value as text, whatever its type; '' for NULL. */
export function text(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
