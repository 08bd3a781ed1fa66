import type { BookChanged } from '../../../../events/book-changed.ts';

/** Changes of books that are committed and not yet known to be in the log, oldest first. */
export interface Outbox {
  /** The oldest rows, at least one if there is any; `maxBytes` bounds their JSON softly. */
  read(limits: { readonly maxRows: number; readonly maxBytes: number }): Promise<readonly OutboxRow[]>;

  /** Forgets rows the log has acknowledged; rows that are gone already do not matter. */
  remove(ids: readonly number[]): Promise<void>;

  /**
   * Puts each of these books behind all that waits, in its newest version and as it is now, or as removed; ids that never
   * were a book are passed over.
   */
  putAgain(bookIds: readonly number[]): Promise<void>;

  /** About how many rows wait; exactly 0 when none does. */
  size(): Promise<number>;

  /**
   * Resolves as soon as something may have changed since the last `read` began, in this process or in another (then
   * within about 100 ms), and at the latest after `waitMs` or when `signal` fires.
   */
  changed(waitMs: number, signal: AbortSignal): Promise<void>;

  /**
   * Takes or renews the right to relay, for `ttlMs`; 0 gives it back. It keeps the versions of a book in order, which
   * two who append at a time would not. Not promised: that nobody held it between the end of one's own and now.
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
