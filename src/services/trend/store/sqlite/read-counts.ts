import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { text } from '../../../../events/envelope.ts';
import { decodeCounts } from '../decode-counts.ts';
import { createLabelReader, numbersFrom } from './query-label.ts';
import { countedDays, hoursAhead } from '../../counting/kept-counts.ts';
import type { Counts, QueryDescription, QueryTotal } from '../trend-store.ts';

/** @see TrendStore.totals */
export function readTotals(database: SqliteDatabase, fromHour: number): readonly QueryTotal[] {
  const sums = database.prepare(
    `SELECT query, key, sum(readers) AS readers, sum(anonymous) AS anonymous, sum(searches) AS searches FROM (
       SELECT query, readers, anonymous, searches FROM hourly WHERE hour >= ?
       UNION ALL SELECT query, readers, anonymous, searches FROM daily WHERE day >= ?)
     JOIN query ON id = query GROUP BY query`,
  );
  const totals: QueryTotal[] = [];
  for (const row of sums.iterate(fromHour, Math.floor(fromHour / 24))) {
    totals.push({ query: Number(row['query']), key: String(row['key']), ...decodeCounts(row) });
  }
  return totals;
}

/** @see TrendStore.describe */
export function readDescriptions(
  database: SqliteDatabase,
  queries: readonly number[],
  fromHour: number,
): readonly QueryDescription[] {
  const readAnswer = database.prepare('SELECT key, corrected, books FROM query JOIN answer ON query = id WHERE id = ?');
  const countReaders = database.prepare(
    `SELECT count(DISTINCT reader) AS n FROM distinct_reader
     WHERE hour IN (SELECT value FROM json_each(?)) AND query = ?`,
  );
  const readHours = database.prepare(
    `SELECT hour, readers, anonymous, searches FROM hourly
     WHERE hour IN (SELECT value FROM json_each(?)) AND query = ? ORDER BY hour`,
  );
  const labelOf = createLabelReader(database, fromHour);
  const hours = numbersFrom(fromHour, 24 + hoursAhead);
  return queries.flatMap((query) => {
    const answer = readAnswer.get(query);
    if (answer === undefined) return [];
    const key = String(answer['key']);
    const label = labelOf(query, key);
    if (label === null) return [];
    return {
      query,
      key,
      label,
      corrected: answer['corrected'] === null ? null : String(answer['corrected']),
      books: text(answer['books'] as Uint8Array),
      distinctReaders: Number(countReaders.get(hours, query)?.['n']),
      hours: readHours.all(hours, query).map((row) => ({ hour: Number(row['hour']), ...decodeCounts(row) })),
    };
  });
}

/** @see TrendStore.daily */
export function readDays(
  database: SqliteDatabase,
  query: number,
  fromDay: number,
): readonly (Counts & { readonly day: number })[] {
  return database
    .prepare(
      `SELECT day, sum(readers) AS readers, sum(anonymous) AS anonymous, sum(searches) AS searches FROM (
         SELECT day, readers, anonymous, searches FROM daily
           WHERE day IN (SELECT value FROM json_each(:days)) AND query = :query
         UNION ALL SELECT hour / 24, readers, anonymous, searches FROM hourly
           WHERE hour IN (SELECT value FROM json_each(:hours)) AND query = :query)
       WHERE day >= :from GROUP BY day ORDER BY day`,
    )
    .all({
      days: numbersFrom(fromDay, countedDays),
      hours: numbersFrom(fromDay * 24, countedDays * 24),
      query,
      from: fromDay,
    })
    .map((row) => ({ day: Number(row['day']), ...decodeCounts(row) }));
}
