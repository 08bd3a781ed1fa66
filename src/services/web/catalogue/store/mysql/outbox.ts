import { columnText } from '../../../../../mysql/connection.ts';
import type { MysqlDatabase } from '../../../../../mysql/database.ts';
import type { DatabaseClock } from '../../../../../mysql/connection.ts';
import type { Book } from '../../../../../events/book.ts';
import { putBooksAgain } from './book-rows.ts';
import { changingBooks } from '../../tutorial-table/adoption.ts';
import type { BooksTable } from '../../tutorial-table/books-table.ts';
import { pollMs, type OutboxBell } from '../../outbox/outbox-bell.ts';
import type { Outbox, OutboxRow } from '../../outbox/outbox.ts';

export type MysqlOutboxParts = {
  readonly database: MysqlDatabase;
  readonly table: () => BooksTable;
  /** For the times of events. */
  readonly clock: () => number;
  readonly leaseClock: DatabaseClock;
  /** Rings after every commit of this process. */
  readonly bell: OutboxBell;
};

/**
 * The outbox beside the catalogue, shared by all processes. A row may become visible after one with a greater id has
 * been relayed and removed: nothing here takes ids for an order, and rows are removed one by one. Every write of the
 * relay's daily round is one statement, so that a process that freezes leaves no lock behind.
 */
export function createMysqlOutbox({ database, table, clock, leaseClock, bell }: MysqlOutboxParts): Outbox {
  /** What was seen by the last `read`; `null` when that was not all there is. */
  let seen: string | null = null;
  let heard = 0;
  return {
    read: async (limits) => {
      heard = bell.rings();
      const { rows, isAll } = await readRows(database, limits);
      seen = isAll ? markOf(rows[0]?.id, rows.at(-1)?.id) : null;
      return rows;
    },

    remove: async (ids) => {
      if (ids.length === 0) return;
      await database.connected((connection) =>
        connection.change('DELETE FROM catalogue_outbox WHERE id IN (?)', [ids]),
      );
    },

    putAgain: async (bookIds) => {
      // In turn with all that change books: a newer version could get its row before that of an older one otherwise.
      await database.exclusive(changingBooks, (connection) => putBooksAgain(connection, table(), bookIds, clock()));
      bell.ring();
    },

    size: async () => {
      const { least, most } = await readEnds(database);
      return least === null ? 0 : most - least + 1;
    },

    changed: async (waitMs, signal) => {
      const started = performance.now();
      while (!signal.aborted && heard === bell.rings()) {
        const { least, most } = await readEnds(database);
        if (seen !== (least === null ? markOf() : markOf(least, most))) return;
        const leftMs = waitMs - (performance.now() - started);
        if (leftMs <= 0) return;
        await bell.next(Math.min(leftMs, pollMs), signal);
      }
    },

    lease: (owner, ttlMs) =>
      database.connected(async (connection) => {
        const nowMs = await leaseClock(connection);
        const changed = await connection.change(
          'UPDATE catalogue_relay_lease SET owner = ?, until_ms = ? WHERE id = 1 AND (owner = ? OR until_ms <= ?)',
          [owner, nowMs + ttlMs, owner, nowMs],
        );
        return changed === 1;
      }),
  };
}

function markOf(least?: number, most?: number): string {
  return `${least}/${most}`;
}

/** The first and the last waiting row: few rows lie between them that are gone or that nobody sees yet. */
async function readEnds(
  database: MysqlDatabase,
): Promise<{ readonly least: number; readonly most: number } | { readonly least: null; readonly most: null }> {
  const [row] = await database.connected((connection) =>
    connection.rows('SELECT MIN(id) AS least, MAX(id) AS most FROM catalogue_outbox'),
  );
  if (row === undefined || row['least'] === null) return { least: null, most: null };
  return { least: Number(row['least']), most: Number(row['most']) };
}

async function readRows(
  database: MysqlDatabase,
  { maxRows, maxBytes }: { maxRows: number; maxBytes: number },
): Promise<{ readonly rows: readonly OutboxRow[]; readonly isAll: boolean }> {
  const found = await database.connected((connection) =>
    connection.rows('SELECT * FROM catalogue_outbox ORDER BY id LIMIT ?', [maxRows]),
  );
  const rows: OutboxRow[] = [];
  let bytes = 0;
  for (const row of found) {
    const json = columnText(row['book']);
    bytes += json?.length ?? 0;
    if (rows.length > 0 && bytes > maxBytes) break;
    const book = json === null ? null : (JSON.parse(json) as Book);
    const change = { bookId: Number(row['book_id']), version: Number(row['version']), book };
    rows.push({ id: Number(row['id']), change, changedMs: Number(row['changed_ms']) });
  }
  return { rows, isAll: rows.length === found.length && found.length < maxRows };
}
