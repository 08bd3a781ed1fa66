import { createHash } from 'node:crypto';
import { columnText, type MysqlConnection } from '../../../../mysql/connection.ts';
import { isLaterAnswer, type Answer } from '../../counting/latest-answer.ts';
import { keyHash, type QueryRow } from './query-numbers.ts';

type Kept = { readonly row: QueryRow; readonly latest: Answer & { readonly time: number } };

/**
 * Keeps the latest answers of queries whose rows are locked. Readers mostly get the same answer again, so it is only
 * written when it differs; of two in the same millisecond the stored one has to be read.
 */
export async function keepLatestAnswers(connection: MysqlConnection, answers: readonly Kept[]): Promise<void> {
  const hashed = answers.map((answer) => ({ ...answer, hash: answerHash(answer.latest) }));
  const disputed = hashed.filter(({ row, latest, hash }) => row.timeMs === latest.time && !hash.equals(row.answerHash));
  const stored = await readAnswers(
    connection,
    disputed.map(({ row }) => row.id),
  );
  const later = hashed.filter(({ row, latest }) => {
    const known = stored.get(row.id);
    return known === undefined ? latest.time > row.timeMs : isLaterAnswer(latest, { ...known, time: row.timeMs });
  });
  await writeAnswers(
    connection,
    later.filter(({ row, hash }) => !hash.equals(row.answerHash)),
  );
  await connection.insert(
    `INSERT INTO state.query (id, key_hash, query_key, time_ms, answer_hash) VALUES ?
     ON DUPLICATE KEY UPDATE time_ms = VALUES(time_ms), answer_hash = VALUES(answer_hash)`,
    later.map(({ row, latest, hash }) => [row.id, keyHash(row.key), row.key, latest.time, hash]),
  );
}

async function readAnswers(
  connection: MysqlConnection,
  queries: readonly number[],
): Promise<ReadonlyMap<number, Answer>> {
  if (queries.length === 0) return new Map();
  const rows = await connection.rows('SELECT query, corrected, books FROM state.answer WHERE query IN (?)', [queries]);
  return new Map(
    rows.map((row) => [
      Number(row['query']),
      { corrected: columnText(row['corrected']), books: row['books'] as Uint8Array },
    ]),
  );
}

async function writeAnswers(connection: MysqlConnection, answers: readonly Kept[]): Promise<void> {
  await connection.insert(
    `INSERT INTO state.answer VALUES ?
     ON DUPLICATE KEY UPDATE corrected = VALUES(corrected), books = VALUES(books)`,
    answers.map(({ row, latest }) => [row.id, latest.corrected, latest.books]),
  );
}

function answerHash({ corrected, books }: Answer): Buffer {
  const hash = createHash('sha256').update(corrected === null ? '-' : `+${corrected}`);
  return hash.update('\0').update(books).digest();
}
