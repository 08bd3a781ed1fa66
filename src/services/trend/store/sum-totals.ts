import { setImmediate as letOthersRun } from 'node:timers/promises';
import { rows, type Steps } from '../../../sql/statements.ts';
import { dayOfHour } from '../hours.ts';
import { decodeCounts, type RunSteps } from './read-counts.ts';
import type { Counts, QueryTotal } from './trend-store.ts';

const rowsPerPiece = 2_000;
/** When there are more sums than `most`, only the `kept` greatest stay. */
const sumLimits = { most: 100_000, kept: 50_000 };
/** Sums are read again when hours became days during the read, at most this often in all. */
const attempts = 3;

type Source = { readonly table: 'hourly' | 'daily'; readonly column: 'hour' | 'day' };
const sources: readonly Source[] = [
  { table: 'hourly', column: 'hour' },
  { table: 'daily', column: 'day' },
];

/** @see TrendStore.totals */
export async function sumTotals(
  run: RunSteps,
  fromHour: number,
  endHour = Number.MAX_SAFE_INTEGER,
): Promise<readonly QueryTotal[]> {
  for (let attempt = 1; ; attempt++) {
    const oldest = await run(oldestCount);
    const totals = new Map<number, Counts>();
    for (const source of sources) {
      const isHours = source.column === 'hour';
      const from = isHours ? fromHour : dayOfHour(fromHour);
      // Hours become days a week later, so no day is newer than the last hour.
      await addAll(run, source, from, isHours ? endHour : Number.MAX_SAFE_INTEGER, totals);
    }
    if (attempt === attempts || (await run(oldestCount)) === oldest) {
      return Array.from(totals, ([query, counts]) => ({ query, ...counts }));
    }
  }
}

/** Changes whenever hours have become days. */
function* oldestCount(): Steps<string> {
  const [row] = yield* rows('SELECT hour, query FROM state.hourly ORDER BY hour, query LIMIT 1');
  return row === undefined ? '' : [Number(row['hour']), Number(row['query'])].join(' ');
}

async function addAll(
  run: RunSteps,
  source: Source,
  from: number,
  end: number,
  totals: Map<number, Counts>,
): Promise<void> {
  for (
    let at = await run(() => nextAt(source, from));
    at !== null && at < end;
    at = await run(() => nextAt(source, at + 1))
  ) {
    let after = -1;
    while (true) {
      const piece = await run(() => readPiece(source, at, after));
      for (const total of piece) add(totals, total);
      if (piece.length < rowsPerPiece) break;
      after = piece.at(-1)!.query;
      if (totals.size > sumLimits.most) keepGreatest(totals);
      await letOthersRun();
    }
  }
}

function* nextAt({ table, column }: Source, from: number): Steps<number | null> {
  const [row] = yield* rows(`SELECT MIN(${column}) AS next FROM state.${table} WHERE ${column} >= ?`, [from]);
  const next = row?.['next'];
  return next === null || next === undefined ? null : Number(next);
}

function* readPiece({ table, column }: Source, at: number, after: number): Steps<readonly QueryTotal[]> {
  const counts = yield* rows(
    `SELECT query, readers, anonymous, searches FROM state.${table} WHERE ${column} = ? AND query > ?
     ORDER BY query LIMIT ?`,
    [at, after, rowsPerPiece],
  );
  return counts.map((row) => ({ query: Number(row['query']), ...decodeCounts(row) }));
}

function add(totals: Map<number, Counts>, { query, readers, anonymous, searches }: QueryTotal): void {
  const known = totals.get(query);
  totals.set(query, {
    readers: readers + (known?.readers ?? 0),
    anonymous: anonymous + (known?.anonymous ?? 0),
    searches: searches + (known?.searches ?? 0),
  });
}

function keepGreatest(totals: Map<number, Counts>): void {
  const byReaders = [...totals].sort(
    ([one, a], [other, b]) => b.readers + b.anonymous - a.readers - a.anonymous || one - other,
  );
  for (const [query] of byReaders.slice(sumLimits.kept)) totals.delete(query);
}
