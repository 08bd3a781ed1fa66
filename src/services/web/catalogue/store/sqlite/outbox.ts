import type { SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { storeError } from '../../../../../sqlite/errors.ts';
import type { Book } from '../../../../../events/book.ts';
import { putBookAgain } from './book-rows.ts';
import { pollMs, type OutboxBell } from '../../outbox/outbox-bell.ts';
import type { Outbox, OutboxRow } from '../../outbox/outbox.ts';

/**
 * The outbox beside the catalogue. `bell` rings after every commit of this connection; `write` runs a transaction,
 * waiting its turn without blocking the thread.
 */
export function createSqliteOutbox(
  database: SqliteDatabase,
  clock: () => number,
  bell: OutboxBell,
  write: <Result>(body: () => Result) => Promise<Result>,
): Outbox {
  let mark = '';
  const currentMark = (): string => `${bell.rings()}/${database.dataVersion()}`;
  return {
    read: async (limits) => {
      mark = currentMark();
      return readRows(database, limits);
    },

    remove: async (ids) =>
      write(() => {
        database.prepare('DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))').run(JSON.stringify(ids));
      }),

    putAgain: async (bookIds) => {
      await write(() => {
        for (const id of bookIds) putBookAgain(database, id, clock());
      });
      bell.ring();
    },

    size: async () => Number(database.prepare(sizeSql).get()?.['size']),

    changed: async (waitMs, signal) => {
      const started = performance.now();
      while (!signal.aborted && mark === currentMark()) {
        const leftMs = waitMs - (performance.now() - started);
        if (leftMs <= 0) return;
        await bell.next(Math.min(leftMs, pollMs), signal);
      }
    },

    lease: async (owner, ttlMs) =>
      write(() => {
        const nowMs = clock();
        const { changes } = database.prepare(leaseSql).run(owner, nowMs + ttlMs, nowMs);
        return changes === 1;
      }),
  };
}

/** Ids are consecutive and rows leave from the front, so the span is the number, or a little more. */
const sizeSql = 'SELECT coalesce((SELECT max(id) FROM outbox) - (SELECT min(id) FROM outbox) + 1, 0) AS size';

const leaseSql = `INSERT INTO relay_lease VALUES (1, ?1, ?2) ON CONFLICT DO UPDATE
  SET owner = excluded.owner, until_ms = excluded.until_ms WHERE owner = excluded.owner OR until_ms <= ?3`;

function readRows(
  database: SqliteDatabase,
  { maxRows, maxBytes }: { maxRows: number; maxBytes: number },
): readonly OutboxRow[] {
  const rows: OutboxRow[] = [];
  let length = 0;
  try {
    for (const row of database.prepare('SELECT * FROM outbox ORDER BY id LIMIT ?').iterate(maxRows)) {
      const json = row['book'] as string | null;
      length += json?.length ?? 0;
      if (rows.length > 0 && length > maxBytes) break;
      const book = json === null ? null : (JSON.parse(json) as Book);
      const change = { bookId: Number(row['book_id']), version: Number(row['version']), book };
      rows.push({ id: Number(row['id']), change, changedMs: Number(row['changed_ms']) });
    }
  } catch (error) {
    throw storeError(database.path, error);
  }
  return rows;
}
