import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { createRevisitedMap } from '../../../../runtime/recent-map.ts';
import { compareAnswers, isLaterAnswer, type Answer } from '../../counting/latest-answer.ts';

type TimedAnswer = Answer & { time: number };

const rememberedBytes = 8 << 20;
/** What is not searched again within some so many other queries is not worth remembering. */
const metQueries = 4_000;

/**
 * The latest answer of every query. Readers mostly get the same answer again, so its time is kept apart from it and the
 * answer itself is only written when it differs. One that is not remembered is compared where it is: mostly it is the
 * same, and to read it would be for nothing.
 */
export function createLatestAnswers(database: SqliteDatabase) {
  const remembered = createRevisitedMap<number, TimedAnswer>(
    metQueries,
    rememberedBytes,
    ({ books }) => books.byteLength + 100,
  );
  const compare = database.prepare(
    `SELECT time_ms, corrected IS ? AND books = ? FROM last_search JOIN answer USING (query) WHERE query = ?`,
  );
  compare.setReturnArrays(true);
  const find = database.prepare('SELECT corrected, books FROM answer WHERE query = ?');
  const writeTime = database.prepare(
    'INSERT INTO last_search VALUES (?, ?) ON CONFLICT DO UPDATE SET time_ms = excluded.time_ms',
  );
  const writeAnswer = database.prepare(
    `INSERT INTO answer VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET corrected = excluded.corrected, books = excluded.books`,
  );

  /** What is stored of a query; where that is the same answer at another time, its books are these. */
  const recall = (query: number, { corrected, books }: Answer): TimedAnswer | undefined => {
    const row = compare.get(corrected, books, query) as unknown as readonly [number, number] | undefined;
    if (row === undefined) return undefined;
    const [time, isSame] = row;
    const stored = isSame === 1 ? { corrected, books } : (find.get(query) as unknown as Answer);
    return { time, corrected: stored.corrected, books: stored.books };
  };

  return {
    keep: (query: number, answer: TimedAnswer): void => {
      const held = remembered.get(query);
      const known = held ?? recall(query, answer);
      if (known !== undefined && !isLaterAnswer(answer, known)) return;
      const { time, corrected, books } = answer;
      if (known === undefined || time > known.time) writeTime.run(query, time);
      if (known !== undefined && compareAnswers(known, answer) === 0) {
        known.time = time;
        if (held === undefined) remembered.set(query, known);
        return;
      }
      writeAnswer.run(query, corrected, books);
      remembered.set(query, { time, corrected, books });
    },
    forget: remembered.clear,
  };
}
