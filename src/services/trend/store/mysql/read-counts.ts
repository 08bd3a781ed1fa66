import { columnText, type MysqlConnection, type MysqlRow } from '../../../../mysql/connection.ts';
import { decodeCounts } from '../decode-counts.ts';
import { countedDays, hoursAhead } from '../../counting/kept-counts.ts';
import type { Counts, QueryDescription, QueryTotal } from '../trend-store.ts';

const sums = `CAST(SUM(readers) AS SIGNED) AS readers, CAST(SUM(anonymous) AS SIGNED) AS anonymous,
  CAST(SUM(searches) AS SIGNED) AS searches`;

/** @see TrendStore.totals */
export async function readTotals(connection: MysqlConnection, fromHour: number): Promise<readonly QueryTotal[]> {
  const rows = await connection.rows(
    `SELECT query, query_key, readers, anonymous, searches FROM
       (SELECT query, ${sums} FROM
          (SELECT query, readers, anonymous, searches FROM state.hourly WHERE hour >= ?
           UNION ALL SELECT query, readers, anonymous, searches FROM state.daily WHERE day >= ?) counted
        GROUP BY query) total
     JOIN state.query ON id = query`,
    [fromHour, Math.floor(fromHour / 24)],
  );
  return rows.map((row) => ({ query: Number(row['query']), key: String(row['query_key']), ...decodeCounts(row) }));
}

/** @see TrendStore.describe */
export async function readDescriptions(
  connection: MysqlConnection,
  queries: readonly number[],
  fromHour: number,
): Promise<readonly QueryDescription[]> {
  if (queries.length === 0) return [];
  const hours = numbersFrom(fromHour, 24 + hoursAhead);
  const days = numbersFrom(Math.floor(fromHour / 24) - countedDays, countedDays + 3);
  const answers = byQuery(
    await connection.rows(
      `SELECT id AS query, query_key, corrected, books FROM state.query JOIN state.answer ON query = id
       WHERE id IN (?)`,
      [queries],
    ),
  );
  const readers = byQuery(
    await connection.rows(
      `SELECT query, COUNT(DISTINCT reader) AS n FROM state.distinct_reader WHERE hour IN (?) AND query IN (?)
       GROUP BY query`,
      [hours, queries],
    ),
  );
  const counts = byQuery(
    await connection.rows(
      `SELECT query, hour, readers, anonymous, searches FROM state.hourly WHERE hour IN (?) AND query IN (?)
       ORDER BY query, hour`,
      [hours, queries],
    ),
  );
  const labels = byQuery(
    await connection.rows(
      `SELECT query, label, SUM(searches) AS n FROM state.spelling WHERE day IN (?) AND query IN (?)
       GROUP BY query, label ORDER BY query, n DESC, label`,
      [days, queries],
    ),
  );
  return queries.flatMap((query) => {
    const answer = answers.get(query)?.[0];
    if (answer === undefined) return [];
    return {
      query,
      key: String(answer['query_key']),
      label: String(labels.get(query)?.[0]?.['label']),
      corrected: columnText(answer['corrected']),
      books: String(answer['books']),
      distinctReaders: Number(readers.get(query)?.[0]?.['n'] ?? 0),
      hours: (counts.get(query) ?? []).map((row) => ({ hour: Number(row['hour']), ...decodeCounts(row) })),
    };
  });
}

/** @see TrendStore.daily */
export async function readDays(
  connection: MysqlConnection,
  query: number,
  fromDay: number,
): Promise<readonly (Counts & { readonly day: number })[]> {
  const rows = await connection.rows(
    `SELECT day, ${sums} FROM
       (SELECT day, readers, anonymous, searches FROM state.daily WHERE day IN (?) AND query = ?
        UNION ALL SELECT hour DIV 24, readers, anonymous, searches FROM state.hourly
          WHERE hour IN (?) AND query = ?) counted
     GROUP BY day ORDER BY day`,
    [numbersFrom(fromDay, countedDays), query, numbersFrom(fromDay * 24, countedDays * 24), query],
  );
  return rows.map((row) => ({ day: Number(row['day']), ...decodeCounts(row) }));
}

function byQuery(rows: readonly MysqlRow[]): ReadonlyMap<number, readonly MysqlRow[]> {
  return Map.groupBy(rows, (row) => Number(row['query']));
}

/** With a list of hours the server seeks each (hour, query) instead of reading whole hours. */
function numbersFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
