import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { countedDays } from '../../counting/kept-counts.ts';

const dayMs = 86_400_000;

/**
 * How readers spell a query mostly; of two spellings used equally often the first in byte order. `null` for an old query
 * that nobody has searched for in all those days, still here because forgetting takes new searches.
 *
 * The spelling that is the key has no rows of its own: it has the searches that no other one has.
 */
export function createLabelReader(database: SqliteDatabase, fromHour: number) {
  const readLast = database.prepare('SELECT time_ms FROM last_search WHERE query = ?');
  const readOthers = database.prepare(
    `SELECT label, sum(searches) AS n FROM spelling
     WHERE day IN (SELECT value FROM json_each(:days)) AND query = :query
     GROUP BY label ORDER BY n DESC, label`,
  );
  const countAll = database.prepare(
    `SELECT coalesce(sum(searches), 0) AS n FROM (
       SELECT searches FROM daily WHERE day IN (SELECT value FROM json_each(:days)) AND query = :query
       UNION ALL
       SELECT searches FROM hourly WHERE hour IN (SELECT value FROM json_each(:hours)) AND query = :query)`,
  );
  const firstDay = Math.floor(fromHour / 24) - countedDays;
  const days = numbersFrom(firstDay, countedDays + 3);
  const hours = numbersFrom(firstDay * 24, (countedDays + 3) * 24);

  return (query: number, key: string): string | null => {
    if (Number(readLast.get(query)?.['time_ms'] ?? 0) < firstDay * dayMs) return null;
    const others = readOthers.all({ days, query }).map(({ label, n }) => ({ label: String(label), n: Number(n) }));
    const [first] = others;
    if (first === undefined) return key;
    const searches = Number(countAll.get({ days, hours, query })?.['n']);
    const ofKey = others.reduce((left, { n }) => left - n, searches);
    if (first.n !== ofKey) return first.n > ofKey ? first.label : key;
    return Buffer.compare(Buffer.from(first.label), Buffer.from(key)) < 0 ? first.label : key;
  };
}

/** As JSON: with a list of hours SQLite seeks each (hour, query) instead of reading whole hours. */
export function numbersFrom(first: number, count: number): string {
  return JSON.stringify(Array.from({ length: count }, (_, index) => first + index));
}
