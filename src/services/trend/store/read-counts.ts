import type { Dialect } from '../../../sql/merge.ts';
import { columnText, rows, type SqlRow, type Steps } from '../../../sql/steps.ts';
import { countedDays, hoursAhead } from '../counting/kept-counts.ts';
import { commonestSpelling } from '../counting/tally.ts';
import { latestTimes } from './tables.ts';
import type { Counts, QueryDescription, QueryTotal } from './trend-store.ts';

const hourMs = 3_600_000;
const sums = 'SUM(readers) AS readers, SUM(anonymous) AS anonymous, SUM(searches) AS searches';

/** @see TrendStore.totals */
export function* readTotals(fromHour: number): Steps<readonly QueryTotal[]> {
  const totals = yield* rows(
    `SELECT query, query_key, readers, anonymous, searches FROM
       (SELECT query, ${sums} FROM
          (SELECT query, readers, anonymous, searches FROM state.hourly WHERE hour >= ?
           UNION ALL SELECT query, readers, anonymous, searches FROM state.daily WHERE day >= ?) AS counted
        GROUP BY query) AS total
     JOIN state.query ON id = query`,
    [fromHour, Math.floor(fromHour / 24)],
  );
  return totals.map((row) => ({
    query: Number(row['query']),
    key: columnText(row['query_key'])!,
    ...decodeCounts(row),
  }));
}

/** @see TrendStore.describe */
export function* readDescriptions(
  dialect: Dialect,
  queries: readonly number[],
  fromHour: number,
): Steps<readonly QueryDescription[]> {
  if (queries.length === 0) return [];
  const firstDay = Math.floor(fromHour / 24) - countedDays;
  const hours = numbersFrom(fromHour, 24 + hoursAhead);
  const latest = latestTimes[dialect];
  const known = byQuery(
    yield* rows(
      `SELECT q.id AS query, q.query_key, corrected, books FROM state.query AS q
       JOIN state.answer AS a ON a.query = q.id JOIN state.${latest.table} AS t ON t.${latest.id} = q.id
       WHERE q.id IN (?) AND t.time_ms >= ?`,
      [queries, firstDay * 24 * hourMs],
    ),
  );
  const readers = byQuery(
    yield* rows(
      `SELECT query, COUNT(DISTINCT reader) AS n FROM state.hourly_reader WHERE hour IN (?) AND query IN (?)
       GROUP BY query`,
      [hours, queries],
    ),
  );
  const counts = byQuery(
    yield* rows(
      `SELECT query, hour, readers, anonymous, searches FROM state.hourly WHERE hour IN (?) AND query IN (?)
       ORDER BY query, hour`,
      [hours, queries],
    ),
  );
  const labels = yield* readLabels(known, fromHour);
  return queries.flatMap((query) => {
    const answer = known.get(query)?.[0];
    if (answer === undefined) return [];
    const key = columnText(answer['query_key'])!;
    return {
      query,
      key,
      label: labels.get(query) ?? key,
      corrected: columnText(answer['corrected']),
      books: columnText(answer['books'])!,
      distinctReaders: Number(readers.get(query)?.[0]?.['n'] ?? 0),
      hours: (counts.get(query) ?? []).map((row) => ({ hour: Number(row['hour']), ...decodeCounts(row) })),
    };
  });
}

/** The commonest spellings of the queries that are spelt in more ways than their key. */
function* readLabels(
  known: ReadonlyMap<number, readonly SqlRow[]>,
  fromHour: number,
): Steps<ReadonlyMap<number, string>> {
  if (known.size === 0) return new Map();
  const firstDay = Math.floor(fromHour / 24) - countedDays;
  const days = numbersFrom(firstDay, countedDays + 3);
  const spellings = byQuery(
    yield* rows(
      `SELECT query, label, SUM(searches) AS searches FROM state.spelling WHERE day IN (?) AND query IN (?)
       GROUP BY query, label`,
      [days, [...known.keys()]],
    ),
  );
  if (spellings.size === 0) return new Map();
  const spelt = [...spellings.keys()];
  // Older hours have become days, unless forgetting is behind.
  const [oldest] = yield* rows('SELECT MIN(hour) AS hour FROM state.hourly');
  const [firstHour, endHour] = [Math.max(firstDay * 24, Number(oldest?.['hour'])), (firstDay + countedDays + 3) * 24];
  const hours = numbersFrom(firstHour, Math.max(0, endHour - firstHour));
  const searches = byQuery(
    yield* rows(
      `SELECT query, SUM(searches) AS searches FROM
         (SELECT query, searches FROM state.daily WHERE day IN (?) AND query IN (?)
          UNION ALL SELECT query, searches FROM state.hourly WHERE hour IN (?) AND query IN (?)) AS counted
       GROUP BY query`,
      [days, spelt, hours, spelt],
    ),
  );
  return new Map(
    Array.from(spellings, ([query, labels]) => [
      query,
      commonestSpelling(
        columnText(known.get(query)![0]!['query_key'])!,
        labels.map((row) => ({ label: columnText(row['label'])!, searches: Number(row['searches']) })),
        Number(searches.get(query)?.[0]?.['searches'] ?? 0),
      ),
    ]),
  );
}

/** @see TrendStore.daily */
export function* readDays(query: number, fromDay: number): Steps<readonly (Counts & { readonly day: number })[]> {
  const days = yield* rows(
    `SELECT day, ${sums} FROM
       (SELECT day, readers, anonymous, searches FROM state.daily WHERE day IN (?) AND query = ?
        UNION ALL SELECT (hour - hour % 24) / 24 AS day, readers, anonymous, searches FROM state.hourly
          WHERE hour IN (?) AND query = ?) AS counted
     GROUP BY day ORDER BY day`,
    [numbersFrom(fromDay, countedDays), query, numbersFrom(fromDay * 24, countedDays * 24), query],
  );
  return days.map((row) => ({ day: Number(row['day']), ...decodeCounts(row) }));
}

function decodeCounts(row: SqlRow): Counts {
  return {
    readers: Number(row['readers']),
    anonymous: Number(row['anonymous']),
    searches: Number(row['searches']),
  };
}

function byQuery(found: readonly SqlRow[]): ReadonlyMap<number, readonly SqlRow[]> {
  return Map.groupBy(found, (row) => Number(row['query']));
}

/** With a list of hours or days a database seeks each (hour, query) instead of reading whole hours. */
function numbersFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
