import { createLruMap, createDoorkeptLruMap } from '../../../../runtime/lru-map.ts';
import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { upsert } from '../../../../sql/statements.ts';
import { compareAnswers, isLaterAnswer, type Answer, type QueryTally } from '../../counting/tally.ts';
import { answer, lastSearch, searchedAgain } from '../tables.ts';

type TimedAnswer = Answer & { time: number };

const noAnswerMs = -1;
const rememberedNumbers = 50_000;
const rememberedBytes = 8 << 20;
/** A query that does not come back within so many others is not worth remembering. */
const metQueries = 4_000;

/** Short numbers for query keys, remembered. */
export function createQueryNumbers(database: SqliteDatabase) {
  const known = createLruMap<string, number>(rememberedNumbers);
  const add = database.prepare('INSERT INTO query (query_key) VALUES (?)');
  const find = database.prepare('SELECT id FROM query WHERE query_key = ?');
  return {
    numberOf: (key: string): number => {
      let id = known.get(key);
      if (id === undefined) {
        id = Number(find.get(key)?.['id'] ?? add.run(key).lastInsertRowid);
        known.set(key, id);
      }
      return id;
    },
    forget: known.clear,
  };
}

/**
 * The latest answer of every query, and when it was searched last. Readers mostly get the same answer again, so the times
 * have a narrow row of their own, and the answer itself is only written when it differs. An answer that is not remembered
 * is compared where it is stored: mostly it is the same and need not be read.
 */
export function createLatestAnswers(database: SqliteDatabase) {
  const remembered = createDoorkeptLruMap<number, TimedAnswer>(
    metQueries,
    rememberedBytes,
    ({ books }) => books.byteLength + 100,
  );
  const compare = database.prepare(
    `SELECT answered_ms, corrected IS ? AND books = ? FROM last_search JOIN answer USING (query) WHERE query = ?`,
  );
  compare.setReturnArrays(true);
  const find = database.prepare('SELECT corrected, books FROM answer WHERE query = ?');
  const writeTime = database.prepare(upsert(searchedAgain, 'sqlite'));
  const writeTimes = database.prepare(upsert(lastSearch, 'sqlite'));
  const writeAnswer = database.prepare(upsert(answer, 'sqlite'));

  /** The stored answer of a query; where it is the same as this one, its books are the same object. */
  const recall = (query: number, { corrected, books }: Answer): TimedAnswer | undefined => {
    const row = compare.get(corrected, books, query) as unknown as readonly [number, number] | undefined;
    if (row === undefined) return undefined;
    const [time, isSame] = row;
    const stored = isSame === 1 ? { corrected, books } : (find.get(query) as unknown as Answer);
    return { time, corrected: stored.corrected, books: stored.books };
  };

  /** @returns when the answer that is stored from now on was given. */
  const keepAnswer = (query: number, latest: TimedAnswer): number => {
    const held = remembered.get(query);
    const known = held ?? recall(query, latest);
    if (known !== undefined && !isLaterAnswer(latest, known)) return known.time;
    const { time, corrected, books } = latest;
    if (known !== undefined && compareAnswers(known, latest) === 0) {
      known.time = time;
      if (held === undefined) remembered.set(query, known);
      return time;
    }
    writeAnswer.run(query, corrected, books);
    remembered.set(query, { time, corrected, books });
    return time;
  };

  return {
    keep: ({ query, lastMs, latest }: Pick<QueryTally, 'query' | 'lastMs' | 'latest'>): void => {
      if (latest === null) writeTime.run(query, lastMs, noAnswerMs);
      else writeTimes.run(query, lastMs, keepAnswer(query, latest));
    },
    forget: remembered.clear,
  };
}
