import type { SqliteDatabase } from '../../database/sqlite-database.ts';
import { compareAnswers, isLaterAnswer, type Answer } from './latest-answer.ts';

const rememberedAnswers = 10_000;
const rememberedBytes = 16 << 20;

/**
 * The latest answer of every query. Readers mostly get the same answer again, so its time is kept apart from it and the
 * answer itself is only written when it differs; comparing remembered bytes is cheaper than asking the table.
 */
export function createLatestAnswers(database: SqliteDatabase) {
  const remembered = new Map<number, Answer>();
  let bytes = 0;
  const raiseTime = database.prepare('UPDATE last_search SET time_ms = ? WHERE query = ? AND time_ms < ?');
  const readStored = database.prepare(
    'SELECT time_ms, corrected, books FROM last_search JOIN answer USING (query) WHERE query = ?',
  );
  const addTime = database.prepare('INSERT INTO last_search VALUES (?, ?)');
  const write = database.prepare(
    `INSERT INTO answer VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET corrected = excluded.corrected, books = excluded.books
     WHERE corrected IS NOT excluded.corrected OR books <> excluded.books`,
  );

  const forget = (): void => {
    remembered.clear();
    bytes = 0;
  };
  const replace = (query: number, { corrected, books }: Answer): void => {
    const known = remembered.get(query);
    if (known !== undefined && compareAnswers(known, { corrected, books }) === 0) return;
    write.run(query, corrected, books);
    bytes += books.byteLength - (known?.books.byteLength ?? 0);
    if (remembered.size >= rememberedAnswers || bytes > rememberedBytes) forget();
    // A copy: the record's bytes are a window on everything that was read with it.
    remembered.set(query, { corrected, books: Uint8Array.prototype.slice.call(books) });
  };

  return {
    keep: (query: number, answer: Answer & { readonly time: number }): void => {
      if (raiseTime.run(answer.time, query, answer.time).changes === 1) {
        replace(query, answer);
        return;
      }
      const row = readStored.get(query);
      if (row === undefined) addTime.run(query, answer.time);
      else if (!isLaterAnswer(answer, storedAnswer(row))) return;
      replace(query, answer);
    },
    forget,
  };
}

function storedAnswer(row: Record<string, unknown>): Answer & { time: number } {
  return {
    time: Number(row['time_ms']),
    corrected: row['corrected'] as string | null,
    books: row['books'] as Uint8Array,
  };
}
