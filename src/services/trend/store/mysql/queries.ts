import { createHash } from 'node:crypto';
import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { upsert, columnText, type MergedTable, type SqlValue } from '../../../../sql/statements.ts';
import { isLaterAnswer, type Answer, type QueryTally } from '../tally.ts';
import { answer, keyHash } from '../tables.ts';

/** A query's row as this transaction has locked it. */
export type QueryRow = {
  readonly id: number;
  readonly key: string;
  /** When it was searched last. */
  readonly timeMs: number;
  /** When its stored answer was given; −1 while it has none. */
  readonly answeredMs: number;
  readonly answerHash: Buffer;
};

const keysPerStatement = 1_000;
const neverSearched = { timeMs: -1, answeredMs: -1, answerHash: Buffer.alloc(32) };

/** Written only by a transaction that has locked the row. */
const query: MergedTable = {
  name: 'query',
  key: ['id'],
  columns: { key_hash: 'kept', query_key: 'kept', time_ms: 'set', answered_ms: 'set', answer_hash: 'set' },
};
const newQuery: MergedTable = {
  ...query,
  key: ['key_hash'],
  columns: { query_key: 'kept', time_ms: 'kept', answered_ms: 'kept', answer_hash: 'kept' },
};

/**
 * The rows of some keys, added where they are missing and all locked until the transaction ends: no other instance
 * removes a query or changes its latest answer meanwhile. Locked in the order of their hashes, so that two instances
 * never wait for each other in a circle.
 */
export async function lockQueries(
  connection: MysqlConnection,
  keys: ReadonlySet<string>,
): Promise<ReadonlyMap<string, QueryRow>> {
  const wanted = Array.from(keys, (key) => ({ key, hash: keyHash(key) })).sort((one, other) =>
    Buffer.compare(one.hash, other.hash),
  );
  const found = new Map<string, QueryRow>();
  for (let from = 0; from < wanted.length; from += keysPerStatement) {
    const some = wanted.slice(from, from + keysPerStatement);
    await readQueries(connection, some, found, 'FOR UPDATE');
    const missing = some.filter(({ key }) => !found.has(key));
    if (missing.length === 0) continue;
    await connection.insert(
      upsert(newQuery, 'mysql'),
      missing.map(({ key, hash }) => [
        hash,
        key,
        neverSearched.timeMs,
        neverSearched.answeredMs,
        neverSearched.answerHash,
      ]),
    );
    // The insert has locked them. A locking read in TiDB remembers of one key that there was no row, and says so again.
    await readQueries(connection, missing, found, '');
  }
  return found;
}

async function readQueries(
  connection: MysqlConnection,
  wanted: readonly { readonly key: string; readonly hash: Buffer }[],
  found: Map<string, QueryRow>,
  lock: 'FOR UPDATE' | '',
): Promise<void> {
  const keys = new Map(wanted.map(({ key, hash }) => [hash.toString('hex'), key]));
  const rows = await connection.rows(
    `SELECT id, key_hash, time_ms, answered_ms, answer_hash FROM state.query FORCE INDEX (by_key)
     WHERE key_hash IN (?) ORDER BY key_hash ${lock}`,
    [wanted.map(({ hash }) => hash)],
  );
  for (const row of rows) {
    const key = keys.get((row['key_hash'] as Buffer).toString('hex'))!;
    const answerHash = row['answer_hash'] as Buffer;
    found.set(key, {
      id: Number(row['id']),
      key,
      timeMs: Number(row['time_ms']),
      answeredMs: Number(row['answered_ms']),
      answerHash,
    });
  }
}

/**
 * Keeps the latest answers of queries whose rows are locked. Readers mostly get the same answer again, so it is only
 * written when it differs. Of two answers in the same millisecond the stored one has to be read.
 */
export async function keepLatestAnswers(
  connection: MysqlConnection,
  tallies: Iterable<QueryTally>,
  rows: ReadonlyMap<string, QueryRow>,
): Promise<void> {
  const searched = Array.from(tallies, ({ key, lastMs, latest }) => {
    const row = rows.get(key)!;
    const given = latest === null ? null : { ...latest, hash: answerHash(latest) };
    return { row, timeMs: Math.max(lastMs, row.timeMs), given };
  });
  const disputed = searched.filter(
    ({ row, given }) => given?.time === row.answeredMs && !given.hash.equals(row.answerHash),
  );
  const stored = await readAnswers(
    connection,
    disputed.map(({ row }) => row.id),
  );
  const answers: SqlValue[][] = [];
  const queries = searched.map(({ row, timeMs, given }): SqlValue[] => {
    const known = stored.get(row.id);
    const isLater =
      given !== null &&
      (known === undefined ? given.time > row.answeredMs : isLaterAnswer(given, { ...known, time: row.answeredMs }));
    const { answeredMs, hash } = isLater
      ? { answeredMs: given.time, hash: given.hash }
      : { ...row, hash: row.answerHash };
    if (isLater && !hash.equals(row.answerHash)) answers.push([row.id, given.corrected, given.books]);
    return [row.id, keyHash(row.key), row.key, timeMs, answeredMs, hash];
  });
  await connection.insert(upsert(answer, 'mysql'), answers);
  await connection.insert(upsert(query, 'mysql'), queries);
}

async function readAnswers(
  connection: MysqlConnection,
  queries: readonly number[],
): Promise<ReadonlyMap<number, Answer>> {
  if (queries.length === 0) return new Map();
  const found = await connection.rows('SELECT query, corrected, books FROM state.answer WHERE query IN (?)', [queries]);
  return new Map(
    found.map((row) => [
      Number(row['query']),
      { corrected: columnText(row['corrected']), books: row['books'] as Uint8Array },
    ]),
  );
}

function answerHash({ corrected, books }: Answer): Buffer {
  const sum = createHash('sha256').update(corrected === null ? '-' : `+${corrected}`);
  return sum.update('\0').update(books).digest();
}
