import { DatabaseSync } from 'node:sqlite';

type Row = Readonly<Record<string, unknown>>;

const times = {
  sqlite: 'SELECT query_key, time_ms, answered_ms FROM state.last_search LEFT JOIN state.query ON id = query',
  mysql: 'SELECT query_key, time_ms, answered_ms FROM state.query',
};

/** A left join, so that rows of a removed query are shown, too. */
const tables = [
  'SELECT query_key FROM state.query',
  `SELECT hour, query_key, reader FROM state.hourly_reader LEFT JOIN state.query ON id = query`,
  `SELECT hour, query_key, reader FROM state.spelling_reader LEFT JOIN state.query ON id = query`,
  `SELECT hour, query_key, readers, anonymous, searches, places FROM state.hourly LEFT JOIN state.query ON id = query`,
  `SELECT day, query_key, readers, anonymous, searches FROM state.daily LEFT JOIN state.query ON id = query`,
  `SELECT day, query_key, label, readers, places FROM state.spelling LEFT JOIN state.query ON id = query`,
  `SELECT day, query_key, book, searches FROM state.lead LEFT JOIN state.query ON id = query`,
  `SELECT hour, query_key, searches, last_ms FROM state.unanswered LEFT JOIN state.query ON id = query`,
  'SELECT query_key, about, holds, time_ms, tie_break FROM state.decision',
  `SELECT query_key, corrected, hex(books) AS books FROM state.answer LEFT JOIN state.query ON id = query`,
];

/**
 * Everything that the trend service has counted, as text: equal states give equal texts. Numbers of queries are left
 * out.
 */
export function trendState(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const texts = [times.sqlite, ...tables].map((sql) =>
      describeRows(database.prepare(sql.replaceAll('state.', '')).all()),
    );
    return texts.join('\n\n');
  } finally {
    database.close();
  }
}

/** The same of a state in MySQL. */
export async function trendStateInMysql(
  ask: (sql: string) => Promise<unknown>,
  database: string,
  tablePrefix = '',
): Promise<string> {
  const texts: string[] = [];
  for (const sql of [times.mysql, ...tables]) {
    texts.push(describeRows((await ask(sql.replaceAll('state.', `${database}.${tablePrefix}`))) as Row[]));
  }
  return texts.join('\n\n');
}

function describeRows(rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    JSON.stringify(
      Object.values(row).map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value)),
    ),
  );
  return lines.sort().join('\n');
}
