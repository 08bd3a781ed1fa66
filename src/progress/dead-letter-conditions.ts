import type { DeadLetterQuery } from './progress.ts';

/** What a query for dead letters asks, as SQL that every database understands, and the values for its places. */
export function deadLetterConditions(
  { projection, status, at, cause, reason, sinceMs, untilMs, after }: DeadLetterQuery,
  partitionColumn: string,
): { readonly where: string; readonly values: readonly (string | number)[] } {
  const conditions: readonly [sql: string, value: string | number | undefined][] = [
    ['projection = ?', projection],
    ['status = ?', status],
    ['topic = ?', at?.topic],
    [`${partitionColumn} = ?`, at?.partition],
    ['log_offset = ?', at?.offset],
    ['cause = ?', cause],
    ['INSTR(reason, ?) > 0', reason],
    ['arrived_ms >= ?', sinceMs],
    ['arrived_ms <= ?', untilMs],
    ['id > ?', after],
  ];
  const used = conditions.filter(([, value]) => value !== undefined);
  return {
    where: used.length === 0 ? '' : `WHERE ${used.map(([sql]) => sql).join(' AND ')}`,
    values: used.map(([, value]) => value!),
  };
}
