import type { SqliteDatabase } from '../../database/sqlite-database.ts';
import { createRecentMap } from '../../events/recent-map.ts';
import { compareAnswers, isLaterAnswer, type Answer } from './latest-answer.ts';

type StoredAnswer = Answer & { time: number };

const rememberedBytes = 8 << 20;

/**
 * The latest answer of every query. Readers mostly get the same answer again, so its time is kept apart from it and the
 * answer itself is only written when it differs; comparing remembered bytes is cheaper than asking the table.
 */
export function createLatestAnswers(database: SqliteDatabase) {
  const remembered = createRecentMap<number, StoredAnswer>(rememberedBytes, ({ books }) => books.byteLength + 100);
  const find = database.prepare(
    'SELECT time_ms, corrected, books FROM last_search JOIN answer USING (query) WHERE query = ?',
  );
  const writeTime = database.prepare(
    'INSERT INTO last_search VALUES (?, ?) ON CONFLICT DO UPDATE SET time_ms = excluded.time_ms',
  );
  const writeAnswer = database.prepare(
    `INSERT INTO answer VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET corrected = excluded.corrected, books = excluded.books`,
  );

  const recall = (query: number): StoredAnswer | undefined => {
    const known = remembered.get(query);
    if (known !== undefined) return known;
    const row = find.get(query);
    if (row === undefined) return undefined;
    const stored = storedAnswer(row);
    remembered.set(query, stored);
    return stored;
  };

  return {
    keep: (query: number, answer: Answer & { readonly time: number }): void => {
      const known = recall(query);
      if (known !== undefined && !isLaterAnswer(answer, known)) return;
      const { time, corrected } = answer;
      if (known === undefined || time > known.time) writeTime.run(query, time);
      if (known !== undefined && compareAnswers(known, answer) === 0) {
        known.time = time;
        return;
      }
      writeAnswer.run(query, corrected, answer.books);
      // A copy: the record's bytes are a window on everything that was read with it.
      remembered.set(query, { time, corrected, books: Uint8Array.prototype.slice.call(answer.books) });
    },
    forget: remembered.clear,
  };
}

function storedAnswer(row: Record<string, unknown>): StoredAnswer {
  return {
    time: Number(row['time_ms']),
    corrected: row['corrected'] as string | null,
    books: row['books'] as Uint8Array,
  };
}
