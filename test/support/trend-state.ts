import { DatabaseSync } from 'node:sqlite';

/** A left join, so that rows of a removed query are shown, too. */
const tables = [
  `SELECT key FROM query`,
  `SELECT key, time_ms FROM last_search LEFT JOIN query ON id = query`,
  `SELECT hour, key, reader FROM distinct_reader LEFT JOIN query ON id = query`,
  `SELECT hour, key, readers, anonymous, searches FROM hourly LEFT JOIN query ON id = query`,
  `SELECT day, key, readers, anonymous, searches FROM daily LEFT JOIN query ON id = query`,
  `SELECT day, key, label, searches FROM spelling LEFT JOIN query ON id = query`,
  `SELECT key, corrected, hex(books) AS books FROM answer LEFT JOIN query ON id = query`,
];

/**
 * Everything that the trend service has counted, as text: equal states give equal texts. Numbers of queries are left
 * out.
 */
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
