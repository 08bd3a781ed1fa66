import { topicRetention } from '../../../events/topics.ts';
import { rowText, type ComparedTable } from '../../../progress/state.ts';
import { dayMs } from '../../../runtime/time.ts';
import type { Dialect } from '../../../sql/statements.ts';

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
