import { columnText, rows, rowsOfEach, type Dialect, type SqlRow, type Steps } from '../../../sql/statements.ts';
import { dayMs } from '../../../runtime/time.ts';
import { dayOfHour } from '../hours.ts';
import type { Counts, Decisions, HourCount, QueryDescription, TrendStore, UnansweredQuery } from './trend-store.ts';
import { countedDays, hoursAhead } from './forget-old-counts.ts';
import type { Spelling } from './tally.ts';
import { latestTimes } from './tables.ts';

const sums = 'SUM(readers) AS readers, SUM(anonymous) AS anonymous, SUM(searches) AS searches';

/** Runs statements. A repeated transaction needs new ones, so it takes the function that makes them. */
export type RunSteps = <Result>(steps: () => Steps<Result>) => Promise<Result>;

/** The reads of the counts, for any database. `together` runs several statements on one snapshot, `single` runs one. */
export function countReads(
  dialect: Dialect,
  together: RunSteps,
  single: RunSteps,
): Pick<TrendStore, 'describe' | 'keysOf' | 'distinctReaders' | 'daily' | 'decisions' | 'unanswered'> {
  return {
    describe: (queries, nowHour) => together(() => readDescriptions(dialect, queries, nowHour)),
    keysOf: (queries) => single(() => readKeys(queries)),
    distinctReaders: (queries, fromHour) => single(() => countDistinctReaders(queries, fromHour)),
    daily: (query, fromDay) => single(() => readDays(query, fromDay)),
    decisions: () => single(readDecisions),
    unanswered: (...window) => together(() => readUnanswered(...window)),
  };
}

/** @see TrendStore.counts */
export function* readHours(fromHour: number): Steps<readonly number[]> {
  const hours = yield* rows('SELECT DISTINCT hour FROM state.hourly WHERE hour >= ? ORDER BY hour', [fromHour]);
  return hours.map((row) => Number(row['hour']));
}

/** Reads one hour, so that only its rows are in memory. */
export function* readHour(hour: number): Steps<readonly HourCount[]> {
  const counts = yield* rows('SELECT query, readers, anonymous, searches FROM state.hourly WHERE hour = ?', [hour]);
  return counts.map((row) => ({ query: Number(row['query']), hour, ...decodeCounts(row) }));
}

/** @see TrendStore.describe */
function* readDescriptions(
  dialect: Dialect,
  queries: readonly number[],
  nowHour: number,
): Steps<readonly QueryDescription[]> {
  if (queries.length === 0) return [];
  const firstDay = dayOfHour(nowHour) - countedDays;
  const latest = latestTimes[dialect];
  const [known, distinctReaders, hourly, booksLedTo, labels] = yield* rowsOfEach(
    {
      sql: `SELECT q.id AS query, q.query_key, corrected, books FROM state.query AS q
       JOIN state.${latest.table} AS t ON t.${latest.id} = q.id LEFT JOIN state.answer AS a ON a.query = q.id
       WHERE q.id IN (?) AND t.time_ms >= ?`,
      values: [queries, firstDay * dayMs],
    },
    {
      sql: `SELECT query, COUNT(DISTINCT reader) AS in_day, COUNT(DISTINCT CASE WHEN hour >= ? THEN reader END) AS recent
       FROM state.hourly_reader WHERE hour IN (?) AND query IN (?) GROUP BY query`,
      values: [nowHour - 2, numbersFrom(nowHour - 23, 24 + hoursAhead), queries],
    },
    {
      sql: `SELECT query, hour, readers, anonymous, searches, places FROM state.hourly WHERE hour IN (?) AND query IN (?)
       ORDER BY query, hour`,
      values: [numbersFrom(nowHour - 47, 48 + hoursAhead), queries],
    },
    {
      sql: `SELECT query, book, SUM(searches) AS searches FROM state.lead WHERE day IN (?) AND query IN (?)
       GROUP BY query, book`,
      values: [numbersFrom(firstDay + 1, countedDays + 1), queries],
    },
    {
      sql: 'SELECT query, label, readers, places FROM state.spelling WHERE day IN (?) AND query IN (?)',
      values: [numbersFrom(firstDay, spellingDays), queries],
    },
  );
  const readers = byQuery(distinctReaders);
  const counts = byQuery(hourly);
  const leads = firstLeads(byQuery(booksLedTo));
  const spellings = yield* readSpellings(byQuery(labels), firstDay);
  return known.map((row) => {
    const query = Number(row['query']);
    const distinct = readers.get(query)?.[0];
    return {
      query,
      key: columnText(row['query_key'])!,
      spellings: spellings.get(query)?.spellings ?? [],
      spellingReaders: spellings.get(query)?.readers ?? 0,
      corrected: columnText(row['corrected']),
      books: columnText(row['books']) ?? '[]',
      lead: leads.get(query) ?? null,
      distinctReaders: { '3h': Number(distinct?.['recent'] ?? 0), '24h': Number(distinct?.['in_day'] ?? 0) },
      hours: (counts.get(query) ?? []).map((hour) => ({
        hour: Number(hour['hour']),
        places: Number(hour['places']),
        ...decodeCounts(hour),
      })),
    };
  });
}

/** @see TrendStore.keysOf */
function* readKeys(queries: readonly number[]): Steps<ReadonlyMap<number, string>> {
  if (queries.length === 0) return new Map();
  const found = yield* rows('SELECT id, query_key FROM state.query WHERE id IN (?)', [queries]);
  return new Map(found.map((row) => [Number(row['id']), columnText(row['query_key'])!]));
}

function firstLeads(found: ReadonlyMap<number, readonly SqlRow[]>): ReadonlyMap<number, number> {
  const leads = new Map<number, number>();
  for (const [query, books] of found) {
    const [first] = books
      .map((row) => ({ book: Number(row['book']), searches: Number(row['searches']) }))
      .sort((one, other) => other.searches - one.searches || one.book - other.book);
    leads.set(query, first!.book);
  }
  return leads;
}

type Spellings = { readonly spellings: readonly Spelling[]; readonly readers: number };

/** Days whose spellings are read. */
const spellingDays = countedDays + 3;

/** @param found the spellings of queries that differ from their keys. */
function* readSpellings(
  found: ReadonlyMap<number, readonly SqlRow[]>,
  firstDay: number,
): Steps<ReadonlyMap<number, Spellings>> {
  if (found.size === 0) return new Map();
  const days = numbersFrom(firstDay, spellingDays);
  const spelt = [...found.keys()];
  // Older hours have become days, unless forgetting is late.
  const [oldest] = yield* rows('SELECT MIN(hour) AS hour FROM state.hourly');
  const [firstHour, endHour] = [Math.max(firstDay * 24, Number(oldest?.['hour'])), (firstDay + spellingDays) * 24];
  const hours = numbersFrom(firstHour, Math.max(0, endHour - firstHour));
  const totals = byQuery(
    yield* rows(
      `SELECT query, SUM(readers) + SUM(anonymous) AS readers FROM
         (SELECT query, readers, anonymous FROM state.daily WHERE day IN (?) AND query IN (?)
          UNION ALL SELECT query, readers, anonymous FROM state.hourly WHERE hour IN (?) AND query IN (?)) AS counted
       GROUP BY query`,
      [days, spelt, hours, spelt],
    ),
  );
  return new Map(
    Array.from(found, ([query, labels]) => [
      query,
      { spellings: sumSpellings(labels), readers: Number(totals.get(query)?.[0]?.['readers'] ?? 0) },
    ]),
  );
}

function sumSpellings(found: readonly SqlRow[]): readonly Spelling[] {
  const byLabel = new Map<string, Spelling>();
  for (const row of found) {
    const label = columnText(row['label'])!;
    const known = byLabel.get(label);
    byLabel.set(label, {
      label,
      readers: Number(row['readers']) + (known?.readers ?? 0),
      places: Number(row['places']) | (known?.places ?? 0),
    });
  }
  return [...byLabel.values()];
}

/** @see TrendStore.distinctReaders */
function* countDistinctReaders(queries: readonly number[], fromHour: number): Steps<number> {
  const hours = numbersFrom(fromHour, 24 + hoursAhead);
  const [row] = yield* rows(
    'SELECT COUNT(DISTINCT reader) AS n FROM state.hourly_reader WHERE hour IN (?) AND query IN (?)',
    [hours, queries],
  );
  return Number(row?.['n']);
}

/**
 * Days from both tables are read as integers, because TiDB does not group an integer with an equal decimal. @see
 * TrendStore.daily
 */
function* readDays(query: number, fromDay: number): Steps<readonly (Counts & { readonly day: number })[]> {
  const days = yield* rows(
    `SELECT day, ${sums} FROM
       (SELECT day, readers, anonymous, searches FROM state.daily WHERE day IN (?) AND query = ?
        UNION ALL SELECT CAST((hour - hour % 24) / 24 AS SIGNED) AS day, readers, anonymous, searches FROM state.hourly
          WHERE hour IN (?) AND query = ?) AS counted
     GROUP BY day ORDER BY day`,
    [numbersFrom(fromDay, countedDays), query, numbersFrom(fromDay * 24, countedDays * 24), query],
  );
  return days.map((row) => ({ day: Number(row['day']), ...decodeCounts(row) }));
}

/** @see TrendStore.decisions */
function* readDecisions(): Steps<Decisions> {
  const held = yield* rows('SELECT query_key, about FROM state.decision WHERE holds = 1');
  const keysOf = (about: string): ReadonlySet<string> =>
    new Set(held.flatMap((row) => (columnText(row['about']) === about ? [columnText(row['query_key'])!] : [])));
  return { muted: keysOf('muted'), pinned: keysOf('pinned') };
}

export function decodeCounts(row: SqlRow): Counts {
  return {
    readers: Number(row['readers']),
    anonymous: Number(row['anonymous']),
    searches: Number(row['searches']),
  };
}

export function byQuery(found: readonly SqlRow[]): ReadonlyMap<number, readonly SqlRow[]> {
  return Map.groupBy(found, (row) => Number(row['query']));
}

/** With a list of hours or days, a database looks up each (hour, query) instead of reading whole hours. */
export function numbersFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** For this long it is known who searched in an hour. */
const readerHours = 24;

/** @see TrendStore.unanswered */
function* readUnanswered(fromHour: number, nowHour: number, limit: number): Steps<readonly UnansweredQuery[]> {
  const found = yield* rows(
    `SELECT u.query, SUM(u.searches) AS searches, MAX(u.last_ms) AS last_ms, SUM(COALESCE(h.readers, 0)) AS readers,
       MIN(q.query_key) AS query_key
     FROM state.unanswered AS u JOIN state.query AS q ON q.id = u.query
       LEFT JOIN state.hourly AS h ON h.hour = u.hour AND h.query = u.query
     WHERE u.hour >= ? GROUP BY u.query ORDER BY readers DESC, searches DESC, MIN(q.query_key) LIMIT ?`,
    [fromHour, limit],
  );
  if (found.length === 0) return [];
  const queries = found.map((row) => Number(row['query']));
  const answers = byQuery(
    yield* rows('SELECT query, corrected, books FROM state.answer WHERE query IN (?)', [queries]),
  );
  const distinct =
    nowHour - fromHour >= readerHours
      ? null
      : byQuery(
          yield* rows(
            `SELECT r.query AS query, COUNT(DISTINCT r.reader) AS readers FROM state.hourly_reader AS r
             JOIN state.unanswered AS u ON u.hour = r.hour AND u.query = r.query
             WHERE r.hour IN (?) AND r.query IN (?) GROUP BY r.query`,
            [numbersFrom(fromHour, readerHours + hoursAhead), queries],
          ),
        );
  const queriesFound = found.map((row) => {
    const query = Number(row['query']);
    const answer = answers.get(query)?.[0];
    const readers = distinct === null ? row['readers'] : (distinct.get(query)?.[0]?.['readers'] ?? 0);
    return {
      key: columnText(row['query_key'])!,
      readers: Number(readers),
      searches: Number(row['searches']),
      lastMs: Number(row['last_ms']),
      corrected: answer === undefined ? null : columnText(answer['corrected']),
      books: answer === undefined ? null : columnText(answer['books']),
    };
  });
  return queriesFound.sort((one, other) => other.readers - one.readers || other.searches - one.searches);
}
