import { hash } from 'node:crypto';
import type { Dialect, MergedTable, SqlValue } from '../../../sql/statements.ts';
import type { Decision } from '../trend-projection.ts';

/**
 * The tables of counts, the same in both databases. Hours and days are counted from 1970, UTC. `query` is `query.id`,
 * which has no meaning outside this state. A spelling that equals its query's key has no rows: see `labelOf`.
 */
export const hourly: MergedTable = {
  name: 'hourly',
  key: ['hour', 'query'],
  columns: { readers: 'sum', anonymous: 'sum', searches: 'sum', places: 'or' },
};

export const daily: MergedTable = {
  name: 'daily',
  key: ['day', 'query'],
  columns: { readers: 'sum', anonymous: 'sum', searches: 'sum' },
};

export const spelling: MergedTable = {
  name: 'spelling',
  key: ['day', 'query', 'label'],
  columns: { readers: 'sum', places: 'or' },
};

/** How often a book was the first of a query's answer. */
export const lead: MergedTable = {
  name: 'lead',
  key: ['day', 'query', 'book'],
  columns: { searches: 'sum' },
};

/** Searches for which no book had all words. */
export const unanswered: MergedTable = {
  name: 'unanswered',
  key: ['hour', 'query'],
  columns: { searches: 'sum', last_ms: 'max' },
};

/** SQLite only. When a query was searched last, and when its stored answer was given; −1 while it has none. */
export const lastSearch: MergedTable = {
  name: 'last_search',
  key: ['query'],
  columns: { time_ms: 'max', answered_ms: 'set' },
};

export const searchedAgain: MergedTable = { ...lastSearch, columns: { time_ms: 'max', answered_ms: 'kept' } };

/** What operators decided: `about` is `muted` or `pinned`, and `holds` 0 or 1. Kept for ever. */
export const decision: MergedTable = {
  name: 'decision',
  key: ['key_hash', 'about'],
  columns: { query_key: 'kept', holds: 'last' },
  lastBy: ['time_ms', 'tie_break'],
};

/**
 * Written only by the transaction that has locked the query's row, and only when the new answer is later: see
 * `isLaterAnswer`.
 */
export const answer: MergedTable = {
  name: 'answer',
  key: ['query'],
  columns: { corrected: 'set', books: 'set' },
};

/**
 * The table that has the time of a query's latest answer, and its column of the query's number. SQLite has a narrow
 * table for it, since it changes with every search. MySQL has it in the row that a commit locks anyway.
 */
export const latestTimes: Readonly<Record<Dialect, { readonly table: string; readonly id: string }>> = {
  sqlite: { table: 'last_search', id: 'query' },
  mysql: { table: 'query', id: 'id' },
};

/** Keys may be longer than an index takes. */
export function keyHash(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

export function decisionRow({ queryKey, about, holds, time, tieBreak }: Decision): readonly SqlValue[] {
  return [keyHash(queryKey), about, queryKey, holds ? 1 : 0, time, tieBreak];
}
