import { createHash } from 'node:crypto';
import type { MysqlConnection } from '../../../../mysql/connection.ts';
import { createLruMap } from '../../../../runtime/lru-map.ts';
import { upsert, columnText, type MergedTable, type SqlValue } from '../../../../sql/statements.ts';
import { isLaterAnswer, type Answer, type QueryTally } from '../tally.ts';
import { answer, keyHash } from '../tables.ts';

/** A query's row as this transaction has locked it. */
export type QueryRow = {
  readonly id: number;
  /** When it was searched last. */
  readonly timeMs: number;
  /** When its stored answer was given; −1 while it has none. */
  readonly answeredMs: number;
  readonly answerHash: Buffer;
};

type QueryName = { readonly key: string; readonly hash: Buffer };
type NumberedQuery = QueryName & { readonly id: number };

const keysPerStatement = 1_000;
const rememberedQueries = 50_000;
const neverSearched = { timeMs: -1, answeredMs: -1, answerHash: Buffer.alloc(32) };

const newQuery: MergedTable = {
  name: 'query',
  key: ['key_hash'],
  columns: { query_key: 'kept', time_ms: 'kept', answered_ms: 'kept', answer_hash: 'kept' },
};
/** Written only by a transaction that has locked the row. For an existing row, `kept` columns need no value. */
const answeredAgain: MergedTable = {
  name: 'query',
  key: ['id'],
  columns: { key_hash: 'kept', query_key: 'kept', answer_hash: 'kept', time_ms: 'set', answered_ms: 'set' },
};
const firstAnswer: MergedTable = { ...answeredAgain, columns: { ...answeredAgain.columns, answer_hash: 'set' } };

/** Locks the rows of queries inside a commit. Remembers their numbers, which never change. */
export type QueryLocks = {
  /**
   * Adds missing rows for these keys, and locks all of the rows until the transaction ends: no other instance removes a
   * query or changes its latest answer meanwhile. Rows are added in the order of their hashes, then locked in the order
   * of their numbers, so that two instances never wait for each other (deadlock).
   */
  readonly lock: (connection: MysqlConnection, keys: Iterable<string>) => Promise<ReadonlyMap<string, QueryRow>>;
};

export function createQueryLocks(): QueryLocks {
  const remembered = createLruMap<string, NumberedQuery>(rememberedQueries);

  const numbered = async (connection: MysqlConnection, keys: readonly string[]): Promise<readonly NumberedQuery[]> => {
    const known: NumberedQuery[] = [];
    const unknown: QueryName[] = [];
    for (const key of keys) {
      const query = remembered.get(key);
      if (query === undefined) unknown.push({ key, hash: keyHash(key) });
      else known.push(query);
    }
    for (const query of await numberQueries(connection, unknown)) {
      known.push(query);
      remembered.set(query.key, query);
    }
    return known.sort((one, other) => one.id - other.id);
  };

  return {
    lock: async (connection, keys) => {
      const found = new Map<string, QueryRow>();
      for (let left = [...keys]; left.length > 0; left = left.filter((key) => !found.has(key))) {
        const wanted = await numbered(connection, left);
        for (let from = 0; from < wanted.length; from += keysPerStatement) {
          await lockRows(connection, wanted.slice(from, from + keysPerStatement), found);
        }
        // Another instance has removed the query, or the number came from a transaction that was rolled back.
        for (const { key } of wanted) if (!found.has(key)) remembered.delete(key);
      }
      return found;
    },
  };
}

/** The numbers of queries; missing ones are added. */
async function numberQueries(
  connection: MysqlConnection,
  wanted: readonly QueryName[],
): Promise<readonly NumberedQuery[]> {
  const found: NumberedQuery[] = [];
  const byHash = wanted.toSorted((one, other) => Buffer.compare(one.hash, other.hash));
  for (let from = 0; from < byHash.length; from += keysPerStatement) {
    const some = byHash.slice(from, from + keysPerStatement);
    const known = await readNumbers(connection, some);
    const missing = some.filter(({ key }) => !known.has(key));
    if (missing.length > 0) {
      const { timeMs, answeredMs, answerHash } = neverSearched;
      await connection.insert(
        upsert(newQuery, 'mysql'),
        missing.map(({ key, hash }) => [hash, key, timeMs, answeredMs, answerHash]),
      );
      for (const [key, id] of await readNumbers(connection, missing)) known.set(key, id);
    }
    for (const query of some) found.push({ ...query, id: known.get(query.key)! });
  }
  return found;
}

async function readNumbers(connection: MysqlConnection, wanted: readonly QueryName[]): Promise<Map<string, number>> {
  const rows = await connection.rows(
    'SELECT id, query_key FROM state.query FORCE INDEX (by_key) WHERE key_hash IN (?)',
    [wanted.map(({ hash }) => hash)],
  );
  return new Map(rows.map((row) => [columnText(row['query_key'])!, Number(row['id'])]));
}

async function lockRows(
  connection: MysqlConnection,
  wanted: readonly NumberedQuery[],
  found: Map<string, QueryRow>,
): Promise<void> {
  const rows = await connection.rows(
    `SELECT id, key_hash, time_ms, answered_ms, answer_hash FROM state.query WHERE id IN (?) ORDER BY id FOR UPDATE`,
    [wanted.map(({ id }) => id)],
  );
  const byId = new Map(wanted.map((query) => [query.id, query]));
  for (const row of rows) {
    const { id, key, hash } = byId.get(Number(row['id']))!;
    // A database that was restored may have given the number to another query.
    if (!hash.equals(row['key_hash'] as Buffer)) continue;
    found.set(key, {
      id,
      timeMs: Number(row['time_ms']),
      answeredMs: Number(row['answered_ms']),
      answerHash: row['answer_hash'] as Buffer,
    });
  }
}

type Searched = { readonly row: QueryRow; readonly timeMs: number; readonly given: (Timed & { hash: Buffer }) | null };
type Timed = Answer & { readonly time: number };

/** Prepares what a commit writes into the rows of its queries. */
export function hashAnswers(tallies: Iterable<QueryTally>, rows: ReadonlyMap<string, QueryRow>): readonly Searched[] {
  return Array.from(tallies, ({ key, lastMs, latest }) => {
    const row = rows.get(key)!;
    const given = latest === null ? null : { ...latest, hash: answerHash(latest) };
    return { row, timeMs: Math.max(lastMs, row.timeMs), given };
  });
}

/**
 * Stores the latest answers of queries whose rows are locked. Readers mostly get the same answer again, so it is only
 * written when it differs. If both answers are of the same millisecond, the stored one must be read to compare.
 */
export async function keepLatestAnswers(connection: MysqlConnection, searched: readonly Searched[]): Promise<void> {
  const disputed = searched.filter(
    ({ row, given }) => given?.time === row.answeredMs && !given.hash.equals(row.answerHash),
  );
  const stored = await readAnswers(
    connection,
    disputed.map(({ row }) => row.id),
  );
  const answers: SqlValue[][] = [];
  const again: SqlValue[][] = [];
  const inserted: SqlValue[][] = [];
  for (const { row, timeMs, given } of searched) {
    const known = stored.get(row.id);
    const isLater =
      given !== null &&
      (known === undefined ? given.time > row.answeredMs : isLaterAnswer(given, { ...known, time: row.answeredMs }));
    if (isLater && !given.hash.equals(row.answerHash)) {
      answers.push([row.id, given.corrected, given.books]);
      inserted.push([row.id, '', '', given.hash, timeMs, given.time]);
    } else {
      again.push([row.id, '', '', '', timeMs, isLater ? given.time : row.answeredMs]);
    }
  }
  await connection.queueRows(upsert(answer, 'mysql'), answers);
  await connection.queueRows(upsert(firstAnswer, 'mysql'), inserted);
  await connection.queueRows(upsert(answeredAgain, 'mysql'), again);
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

/** Remembers hashes: the decoder returns equal answers of a query as the same object. */
const hashes = new WeakMap<Uint8Array, { readonly corrected: string | null; readonly hash: Buffer }>();

function answerHash({ corrected, books }: Answer): Buffer {
  const known = hashes.get(books);
  if (known !== undefined && known.corrected === corrected) return known.hash;
  const sum = createHash('sha256').update(corrected === null ? '-' : `+${corrected}`);
  const hash = sum.update('\0').update(books).digest();
  hashes.set(books, { corrected, hash });
  return hash;
}
