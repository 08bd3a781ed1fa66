import type { BookChanged } from '../../../../events/book-changed.ts';
import { setTimeout as delay } from 'node:timers/promises';

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
   * arrive in order. Not promised: that no other owner held it since the last one ended.
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

export type OutboxPaceOptions = {
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
