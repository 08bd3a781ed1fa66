import { setTimeout as delay } from 'node:timers/promises';
import type { BookChanged } from '../../../../events/book-changed.ts';
import type { Book } from '../../../../events/book.ts';
import type { Notifier } from '../../../../runtime/waiting.ts';
import { change, columnText, rows, type Steps } from '../../../../sql/statements.ts';

/** Committed changes of books that are not yet known to be in the log, oldest first. */
export interface Outbox {
  /** The oldest rows, at least one if there is any; `maxBytes` bounds their JSON softly. */
  read(limits: { readonly maxRows: number; readonly maxBytes: number }): Promise<readonly OutboxRow[]>;

  /** Removes rows that the log has acknowledged. Unknown ids are ignored. */
  remove(ids: readonly number[]): Promise<void>;

  /**
   * Adds a row for each of these books, with its present content or as removed, after all rows that wait. Unknown ids
   * are ignored.
   */
  putAgain(bookIds: readonly number[]): Promise<void>;

  /** About how many rows wait; 0 only when the outbox is empty. */
  size(): Promise<number>;

  /**
   * Resolves when something may have changed since the last `read` began, in this process or (within about 100 ms) in
   * another; at the latest after `waitMs` or when `signal` fires.
   */
  changed(waitMs: number, signal: AbortSignal): Promise<void>;

  /**
   * Takes or renews the lease to relay for `ttlMs`; 0 gives it back. With one relay at a time the versions of a book
   * arrive in order. Another owner may have held the lease since ours ended.
   * @returns false while another owner holds it.
   */
  lease(owner: string, ttlMs: number): Promise<boolean>;
}

export type OutboxRow = {
  readonly id: number;
  /** As in the event: the description is cut as in lists. */
  readonly change: BookChanged;
  /** When it happened, ms since 1970. */
  readonly changedMs: number;
};

type OutboxPaceOptions = {
  /** How many rows may wait without holding up the import. */
  readonly mostRows: number;
  /** How long to wait for a relay that delivers nothing. Default: 2,000. */
  readonly patienceMs?: number;
  /** How long not to wait at all after that. Default: 10,000. */
  readonly freeMs?: number;
};

/** How often the waiting rows are counted. */
const lookEveryMs = 5;

/**
 * Bounds the outbox while many books change. Call it between batches: it resolves at once while few rows wait, else
 * when half of them were delivered. When nothing is delivered because the log is unavailable, it resolves after
 * `patienceMs` and the outbox grows.
 */
export function createOutboxPace(outbox: Outbox, options: OutboxPaceOptions): () => Promise<void> {
  const { mostRows, patienceMs = 2_000, freeMs = 10_000 } = options;
  let freeUntilMs = 0;
  return async () => {
    if (performance.now() < freeUntilMs) return;
    let fewest = await outbox.size();
    if (fewest <= mostRows) return;
    let movedMs = performance.now();
    while (fewest > mostRows / 2) {
      await delay(lookEveryMs);
      const rows = await outbox.size();
      const nowMs = performance.now();
      if (rows < fewest) [fewest, movedMs] = [rows, nowMs];
      else if (nowMs - movedMs > patienceMs) {
        freeUntilMs = nowMs + freeMs;
        return;
      }
    }
  };
}

/** What an outbox needs from the database that holds the catalogue. Each call may throw `store-unavailable`. */
export type OutboxStore = {
  readonly read: <Result>(steps: () => Steps<Result>) => Promise<Result>;
  /** Runs one statement that writes. */
  readonly write: <Result>(steps: () => Steps<Result>) => Promise<Result>;
  /** As `write`; `nowMs` is the time by the clock that all processes share. */
  readonly writeAt: <Result>(steps: (nowMs: number) => Steps<Result>) => Promise<Result>;
  /** Puts each of these books into the outbox as it is now. Nobody else changes a book meanwhile. */
  readonly putAgain: (bookIds: readonly number[]) => Promise<void>;
};

/** How often commits of other processes are looked for. */
const pollMs = 100;

/**
 * The outbox in the database of the catalogue, shared by all processes. In MySQL a row may become visible after one
 * with a greater id was relayed and removed, so the order of ids is only nearly that of time. The relay writes single
 * statements only, so that a frozen process holds no lock.
 * @param notifier notified after every commit of this process.
 */
export function createOutbox(store: OutboxStore, notifier: Notifier): Outbox {
  /** The ends of the outbox at the last `read`; `null` when that did not read all rows. */
  let seen: string | null = null;
  let heard = 0;
  return {
    read: async (limits) => {
      heard = notifier.count();
      const { waiting, isAll } = await store.read(() => readRows(limits));
      seen = isAll ? endsText(waiting[0]?.id, waiting.at(-1)?.id) : null;
      return waiting;
    },

    remove: async (ids) => {
      if (ids.length > 0) await store.write(() => change('DELETE FROM state.outbox WHERE id IN (?)', [ids]));
    },

    putAgain: async (bookIds) => {
      await store.putAgain(bookIds);
      notifier.notify();
    },

    // Nearly every id between the two ends has a row.
    size: async () => {
      const { least, most } = await store.read(readEnds);
      return least === undefined || most === undefined ? 0 : most - least + 1;
    },

    changed: async (waitMs, signal) => {
      const started = performance.now();
      while (!signal.aborted && heard === notifier.count()) {
        const { least, most } = await store.read(readEnds);
        if (seen !== endsText(least, most)) return;
        const leftMs = waitMs - (performance.now() - started);
        if (leftMs <= 0) return;
        await notifier.next(Math.min(leftMs, pollMs), signal);
      }
    },

    lease: async (owner, ttlMs) => (await store.writeAt((nowMs) => takeLease(owner, ttlMs, nowMs))) === 1,
  };
}

function endsText(least?: number, most?: number): string {
  return `${least}/${most}`;
}

/** One subquery for each end: SQLite would read all rows to find both in one. */
const endsSql = `SELECT (SELECT MIN(id) FROM state.outbox) AS least_id, (SELECT MAX(id) FROM state.outbox) AS most_id`;

function* readEnds(): Steps<{ readonly least?: number; readonly most?: number }> {
  const [row] = yield* rows(endsSql);
  if (row === undefined || row['least_id'] === null) return {};
  return { least: Number(row['least_id']), most: Number(row['most_id']) };
}

function* readRows({
  maxRows,
  maxBytes,
}: Parameters<Outbox['read']>[0]): Steps<{ readonly waiting: readonly OutboxRow[]; readonly isAll: boolean }> {
  const found = yield* rows('SELECT * FROM state.outbox ORDER BY id LIMIT ?', [maxRows]);
  const waiting: OutboxRow[] = [];
  let bytes = 0;
  for (const row of found) {
    const json = columnText(row['book']);
    bytes += json?.length ?? 0;
    if (waiting.length > 0 && bytes > maxBytes) break;
    const book = json === null ? null : (JSON.parse(json) as Book);
    waiting.push({
      id: Number(row['id']),
      change: { bookId: Number(row['book_id']), version: Number(row['version']), book },
      changedMs: Number(row['changed_ms']),
    });
  }
  return { waiting, isAll: waiting.length === found.length && found.length < maxRows };
}

/** A lease that ends later than this was written by a clock that was ahead. */
const longestLeaseMs = 60_000;
const leaseSql = `UPDATE state.relay_lease SET owner = ?, until_ms = ?
  WHERE id = 1 AND (owner = ? OR until_ms <= ? OR until_ms > ?)`;

function takeLease(owner: string, ttlMs: number, nowMs: number): Steps<number> {
  return change(leaseSql, [owner, nowMs + ttlMs, owner, nowMs, nowMs + longestLeaseMs]);
}
