import { DatabaseSync } from 'node:sqlite';

const columns = {
  book: ['id', 'version', 'content'],
  forgotten: ['reader', 'until_ms'],
  liking: ['reader', 'book', 'strength', 'time_ms'],
  search: ['reader', 'query_hash', 'query', 'books', 'time_ms', 'tie_break'],
  verdict: ['reader', 'book', 'verdict', 'holds', 'time_ms', 'tie_break'],
} as const;

/**
 * Everything a recommendation state says about readers and books: equal states give equal texts, whichever database they
 * are in. Left out are progress and the numbers that say in which order the books changed.
 */
export function tasteState(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = Object.entries(columns).map(([table, names]) =>
      tableText(table, names, database.prepare(`SELECT * FROM ${table}`).all()),
    );
    return tables.join('\n\n');
  } finally {
    database.close();
  }
}

/** The same for a state in a database; `ask` runs a statement there. */
export async function tasteStateOfMysql(
  ask: (sql: string) => Promise<unknown>,
  database: string,
  tablePrefix = '',
): Promise<string> {
  const tables: string[] = [];
  for (const [table, names] of Object.entries(columns)) {
    const rows = (await ask(`SELECT * FROM ${database}.${tablePrefix}${table}`)) as Record<string, unknown>[];
    tables.push(tableText(table, names, rows));
  }
  return tables.join('\n\n');
}

function tableText(table: string, names: readonly string[], rows: readonly Record<string, unknown>[]): string {
  const texts = rows.map((row) => names.map((name) => valueText(row[name])).join(' '));
  return [table, ...texts.sort()].join('\n');
}

/** Text comes as bytes from one database, and as a string from the other. */
function valueText(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return typeof value === 'string' ? Buffer.from(value).toString('latin1') : `${value as number}`;
}
