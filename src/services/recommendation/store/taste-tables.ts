import { hash } from 'node:crypto';
import { topicRetention } from '../../../events/topics.ts';
import { rowText, type ComparedTable } from '../../../progress/state.ts';
import { dayMs } from '../../../runtime/time.ts';
import type { Dialect, MergedTable } from '../../../sql/statements.ts';

/** A reader as stored: enough to recognise the same reader, but not the id. */
export function readerHash(reader: string): Buffer {
  return hash('sha256', reader, 'buffer').subarray(0, 16);
}

/** The hash as a text, for keys of maps. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The highest version of every book. A removed book keeps its version and has no content. */
export const bookTable: MergedTable = {
  name: 'book',
  key: ['id'],
  columns: { change_number: 'last', content: 'last' },
  lastBy: ['version'],
};

/** A row per strength, so that forgetting removes exactly what happened before it. */
export const likingTable: MergedTable = {
  name: 'liking',
  key: ['reader', 'book', 'strength'],
  columns: { time_ms: 'max' },
};

export const verdictTable: MergedTable = {
  name: 'verdict',
  key: ['reader', 'book', 'verdict'],
  columns: { holds: 'last' },
  lastBy: ['time_ms', 'tie_break'],
};

/** Found by the query's SHA-256: a query may be longer than any index takes. */
export const searchTable: MergedTable = {
  name: 'search',
  key: ['reader', 'query_hash'],
  columns: { query: 'kept', books: 'last' },
  lastBy: ['time_ms', 'tie_break'],
};

export const forgottenTable: MergedTable = { name: 'forgotten', key: ['reader'], columns: { until_ms: 'max' } };

/** The number of the last change of what is known of a reader. Change numbers only rise. */
export const readerTable: MergedTable = { name: 'reader', key: ['reader'], columns: { change_number: 'max' } };

/** The tables from which a reader's rows are removed when they ask to be forgotten. */
export const readerTables = [likingTable, verdictTable, searchTable] as const;

/**
 * What must be equal in both states. Left out: what one of them may have forgotten when `newestMs` had arrived, what
 * happened before its topic begins, and removed books, which compaction may have deleted.
 */
export function comparedTables(
  dialect: Dialect,
  newestMs: number,
  completeFromMs: { readonly searches: number; readonly actions: number },
): readonly ComparedTable[] {
  const tomorrowMs = (Math.floor(newestMs / dayMs) + 1) * dayMs;
  const since = (topic: 'searches' | 'actions'): readonly number[] => [
    Math.max(tomorrowMs - topicRetention[topic].retentionMs, completeFromMs[topic]),
  ];
  const table = (
    name: string,
    columns: readonly string[],
    where: string,
    values: readonly number[],
  ): ComparedTable => ({
    name,
    rows: (schema) => `SELECT ${rowText(dialect, ...columns)} FROM ${schema}.${name} WHERE ${where}`,
    values,
  });
  return [
    table('book', ['id', 'version', 'content'], 'content IS NOT NULL', []),
    table('liking', ['reader', 'book', 'strength', 'time_ms'], 'time_ms >= ?', since('actions')),
    table('verdict', ['reader', 'book', 'verdict', 'holds', 'time_ms', 'tie_break'], 'time_ms >= ?', since('actions')),
    table('search', ['reader', 'query_hash', 'books', 'time_ms', 'tie_break'], 'time_ms >= ?', since('searches')),
    table('forgotten', ['reader', 'until_ms'], 'until_ms >= ?', since('actions')),
  ];
}
