import { columnText, rows, type Steps } from '../../../sql/statements.ts';
import { hoursAhead } from './forget-old-counts.ts';
import { byQuery, numbersFrom } from './read-counts.ts';
import type { UnansweredQuery } from './trend-store.ts';

/** Who searched in an hour is known for this long. */
const readerHours = 24;

/** @see TrendStore.unanswered */
export function* readUnanswered(fromHour: number, nowHour: number, limit: number): Steps<readonly UnansweredQuery[]> {
  const found = yield* rows(
    `SELECT u.query, SUM(u.searches) AS searches, MAX(u.last_ms) AS last_ms, SUM(COALESCE(h.readers, 0)) AS readers
     FROM state.unanswered AS u LEFT JOIN state.hourly AS h ON h.hour = u.hour AND h.query = u.query
     WHERE u.hour >= ? GROUP BY u.query ORDER BY readers DESC, searches DESC, u.query LIMIT ?`,
    [fromHour, limit],
  );
  if (found.length === 0) return [];
  const queries = found.map((row) => Number(row['query']));
  const known = byQuery(
    yield* rows(
      `SELECT q.id AS query, q.query_key, corrected, books FROM state.query AS q
       LEFT JOIN state.answer AS a ON a.query = q.id WHERE q.id IN (?)`,
      [queries],
    ),
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
  const queriesFound = found.flatMap((row) => {
    const query = Number(row['query']);
    const answer = known.get(query)?.[0];
    if (answer === undefined) return [];
    const readers = distinct === null ? row['readers'] : (distinct.get(query)?.[0]?.['readers'] ?? 0);
    return {
      key: columnText(answer['query_key'])!,
      readers: Number(readers),
      searches: Number(row['searches']),
      lastMs: Number(row['last_ms']),
      corrected: columnText(answer['corrected']),
      books: columnText(answer['books']),
    };
  });
  return queriesFound.sort((one, other) => other.readers - one.readers || other.searches - one.searches);
}
