import type { Dialect, MergedTable } from '../../../sql/merge.ts';

/**
 * The tables of counts, alike in both databases. Hours and days are whole ones since 1970, UTC; `query` is `query.id`,
 * which means nothing elsewhere. A spelling that equals its query's key has no rows: see `commonestSpelling`.
 */
export const hourly: MergedTable = {
  name: 'hourly',
  key: ['hour', 'query'],
  columns: { readers: 'sum', anonymous: 'sum', searches: 'sum' },
};

export const daily: MergedTable = {
  name: 'daily',
  key: ['day', 'query'],
  columns: { readers: 'sum', anonymous: 'sum', searches: 'sum' },
};

export const spelling: MergedTable = {
  name: 'spelling',
  key: ['day', 'query', 'label'],
  columns: { searches: 'sum' },
};

/** Written by whoever holds the query's row, and only when it is later: see `isLaterAnswer`. */
export const answer: MergedTable = {
  name: 'answer',
  key: ['query'],
  columns: { corrected: 'set', books: 'set' },
};

/**
 * Where the time of a query's latest answer stands, by the number of the query. SQLite has a narrow table for it, since
 * it changes with every search; MySQL has it in the row that a commit locks anyway.
 */
export const latestTimes: Readonly<Record<Dialect, { readonly table: string; readonly id: string }>> = {
  sqlite: { table: 'last_search', id: 'query' },
  mysql: { table: 'query', id: 'id' },
};
