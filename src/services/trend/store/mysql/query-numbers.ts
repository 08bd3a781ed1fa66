import { hash } from 'node:crypto';
import type { MysqlConnection } from '../../../../mysql/connection.ts';

/** A query's row as this transaction found it, or has just made it. */
export type QueryRow = {
  readonly id: number;
  readonly key: string;
  /** Of the latest answer so far; −1 when there is none. */
  readonly timeMs: number;
  readonly answerHash: Buffer;
};

const keysPerStatement = 1_000;
export const noAnswer = { timeMs: -1, hash: Buffer.alloc(32) } as const;

export function keyHash(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

/**
 * The rows of some keys, made where they are missing and all locked until the transaction ends: nobody forgets a query
 * or changes its latest answer meanwhile. Locked in the order of their hashes, so that two instances never wait for
 * each other.
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
    await lockFound(connection, some, found);
    const missing = some.filter(({ key }) => !found.has(key));
    if (missing.length === 0) continue;
    await connection.insert(
      `INSERT INTO state.query (key_hash, query_key, time_ms, answer_hash) VALUES ?
       ON DUPLICATE KEY UPDATE time_ms = time_ms`,
      missing.map((query) => [query.hash, query.key, noAnswer.timeMs, noAnswer.hash]),
    );
    await lockFound(connection, missing, found);
  }
  return found;
}

async function lockFound(
  connection: MysqlConnection,
  wanted: readonly { readonly key: string; readonly hash: Buffer }[],
  found: Map<string, QueryRow>,
): Promise<void> {
  const keys = new Map(wanted.map((query) => [query.hash.toString('hex'), query.key]));
  const rows = await connection.rows(
    `SELECT id, key_hash, time_ms, answer_hash FROM state.query FORCE INDEX (by_key)
     WHERE key_hash IN (?) ORDER BY key_hash FOR UPDATE`,
    [wanted.map((query) => query.hash)],
  );
  for (const row of rows) {
    const key = keys.get((row['key_hash'] as Buffer).toString('hex'))!;
    found.set(key, {
      id: Number(row['id']),
      key,
      timeMs: Number(row['time_ms']),
      answerHash: row['answer_hash'] as Buffer,
    });
  }
}
