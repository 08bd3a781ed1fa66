import { DatabaseSync } from 'node:sqlite';

const tables = [
  `SELECT hour, key, name FROM distinct_reader JOIN query ON query.id = query JOIN reader ON reader.id = reader`,
  `SELECT hour, key, readers, anonymous, searches FROM hourly JOIN query ON id = query`,
  `SELECT day, key, readers, anonymous, searches FROM daily JOIN query ON id = query`,
  `SELECT day, key, label, searches FROM spelling JOIN query ON id = query`,
  `SELECT key, corrected, hex(books) AS books FROM answer JOIN query ON id = query`,
];

/** Everything the trend service has counted, without the numbers it gave names: equal states give equal texts. */
export function trendState(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return tables
      .map((sql) =>
        database
          .prepare(sql)
          .all()
          .map((row) => JSON.stringify(Object.values(row)))
          .sort()
          .join('\n'),
      )
      .join('\n\n');
  } finally {
    database.close();
  }
}
