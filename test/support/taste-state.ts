import { DatabaseSync } from 'node:sqlite';

const notState = [
  'projection',
  'instance',
  'position',
  'lease',
  'mark',
  'dead_letter',
  'last_commit',
  'schema_version',
];

/**
 * Everything that a recommendation state holds about readers and books, as text: equal states give equal texts.
 * Progress and the numbers that order changes of books are left out.
 */
export function tasteState(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .all()
      .map(({ name }) => String(name))
      .filter((name) => !notState.includes(name) && !name.startsWith('sqlite_'));
    return tables.map((table) => `${table}\n${rowsOf(database, table).join('\n')}`).join('\n\n');
  } finally {
    database.close();
  }
}

function rowsOf(database: DatabaseSync, table: string): readonly string[] {
  return database
    .prepare(`SELECT * FROM ${table}`)
    .all()
    .map((row) => JSON.stringify(Object.entries(row).filter(([column]) => column !== 'change_number')))
    .sort();
}

const statesInMysql = ['book', 'forgotten', 'liking', 'search', 'verdict'];

/** The same for a state in a database without a table prefix; `ask` runs a statement there. */
export async function tasteStateOfMysql(ask: (sql: string) => Promise<unknown>, database: string): Promise<string> {
  const tables: string[] = [];
  for (const table of statesInMysql) {
    const rows = (await ask(`SELECT * FROM ${database}.${table}`)) as Record<string, unknown>[];
    const texts = rows.map((row) => {
      const columns = Object.entries(row).filter(([column]) => column !== 'change_number');
      return JSON.stringify(columns.map(([, value]) => (Buffer.isBuffer(value) ? value.toString('latin1') : value)));
    });
    tables.push([table, ...texts.sort()].join('\n'));
  }
  return tables.join('\n\n');
}
