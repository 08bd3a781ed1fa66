import type { BookChanged } from '../../../../events/book-changed.ts';

/** Changes of books that are committed and not yet known to be in the log, oldest first. */
export interface Outbox {
  /** The oldest rows, at least one if there is any; `maxBytes` bounds their JSON softly. */
  read(limits: { readonly maxRows: number; readonly maxBytes: number }): Promise<readonly OutboxRow[]>;

  /** Removes rows that the log has acknowledged. Unknown ids are ignored. */
  remove(ids: readonly number[]): Promise<void>;

  /**
   * Adds a row for each of these books as it is now, or as removed, behind all that wait. Unknown ids are ignored.
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
  /** As the event carries it: the description cut as in lists. */
  readonly change: BookChanged;
  /** When it happened, ms since 1970. */
  readonly changedMs: number;
};
