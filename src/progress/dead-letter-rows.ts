import { decodeHeaders, encodeHeaders } from '../events/record.ts';
import {
  change,
  columnText,
  rows,
  write,
  type MergedTable,
  type SqlValue,
  type SqlRow,
  type Steps,
} from '../sql/statements.ts';
import type {
  AdoptedDeadLetter,
  DeadLetterQuery,
  DeadLetterStatus,
  KeptDeadLetter,
  Settlement,
} from './dead-letter-book.ts';
import { checkVersion } from './leases.ts';
import type { DeadLetterCause, PartitionName } from './progress.ts';

/** A letter that is there already keeps its status. */
const letterTable: MergedTable = {
  name: 'dead_letter',
  key: ['projection', 'topic', 'partition_no', 'log_offset'],
  columns: {
    arrived_ms: 'kept',
    record_key: 'kept',
    record_value: 'kept',
    headers: 'kept',
    cause: 'kept',
    reason: 'kept',
    status: 'kept',
    settled_ms: 'kept',
  },
};

export function* keepDeadLetters(
  letters: readonly AdoptedDeadLetter[],
  status: DeadLetterStatus,
  settledMs: number | null,
): Steps<void> {
  // One statement each: a record may be as large as the largest statement that the server accepts.
  for (const { projection, topic, partition, offset, timestamp, key, value, headers, cause, reason } of letters) {
    const record = [projection, topic, partition, offset, timestamp, key, value];
    yield* write(letterTable, [[...record, encodeHeaders(headers), cause, reason, status, settledMs]]);
  }
}

/**
 * The version is checked first, so that a state of another version is never mistaken for one without the letter.
 * @param stateName for messages.
 * @returns false when the letter is not waiting.
 */
export function* settleDeadLetter<Change>(
  stateName: string,
  settlement: Settlement<Change>,
  nowMs: number,
): Steps<boolean> {
  yield* checkVersion(stateName, settlement);
  const { projection, topic, partition, offset, become } = settlement;
  const [columns, values]: readonly [string, readonly SqlValue[]] =
    become.status === 'waiting'
      ? ['cause = ?, reason = ?', [become.cause, become.reason]]
      : ['status = ?, settled_ms = ?', [become.status, nowMs]];
  const settled = yield* change(
    `UPDATE state.dead_letter SET ${columns}
     WHERE projection = ? AND topic = ? AND partition_no = ? AND log_offset = ? AND status = 'waiting'`,
    [...values, projection, topic, partition, offset],
  );
  return settled === 1;
}

/** @see DeadLetterBook.deadLetters */
export function* readDeadLetters(query: DeadLetterQuery): Steps<readonly KeptDeadLetter[]> {
  const { projection, status, at, cause, reason, sinceMs, untilMs, after } = query;
  const conditions: readonly [sql: string, value: string | number | undefined][] = [
    ['projection = ?', projection],
    ['status = ?', status],
    ['topic = ?', at?.topic],
    ['partition_no = ?', at?.partition],
    ['log_offset = ?', at?.offset],
    ['cause = ?', cause],
    ['INSTR(reason, ?) > 0', reason],
    ['arrived_ms >= ?', sinceMs],
    ['arrived_ms <= ?', untilMs],
    ['id > ?', after],
  ];
  const used = conditions.filter(([, value]) => value !== undefined);
  const where = used.length === 0 ? '' : `WHERE ${used.map(([sql]) => sql).join(' AND ')}`;
  const values = used.map(([, value]) => value!);
  const found = yield* rows(`SELECT * FROM state.dead_letter ${where} ORDER BY id LIMIT ?`, [...values, query.limit]);
  return found.map(decodeLetter);
}

/** Offsets from a position on that were discarded before they are read. */
export function* readDiscardedOffsets(
  projection: string,
  { topic, partition, next }: PartitionName & { readonly next: number },
): Steps<ReadonlySet<number>> {
  const found = yield* rows(
    `SELECT log_offset FROM state.dead_letter
     WHERE projection = ? AND topic = ? AND partition_no = ? AND log_offset >= ? AND status = 'discarded'`,
    [projection, topic, partition, next],
  );
  return new Set(found.map((row) => Number(row['log_offset'])));
}

/** How many wait for a decision, by projection. */
export function* countWaiting(): Steps<ReadonlyMap<string, number>> {
  const found = yield* rows(
    "SELECT projection, COUNT(*) AS letters FROM state.dead_letter WHERE status = 'waiting' GROUP BY projection",
  );
  return new Map(found.map((row) => [columnText(row['projection'])!, Number(row['letters'])]));
}

/** How many were discarded, of all projections: decisions are never taken back. */
export function* countDiscarded(): Steps<number> {
  const [row] = yield* rows("SELECT COUNT(*) AS letters FROM state.dead_letter WHERE status = 'discarded'");
  return Number(row?.['letters']);
}

function decodeLetter(row: SqlRow): KeptDeadLetter {
  const text = (column: string): string => columnText(row[column])!;
  return {
    number: Number(row['id']),
    projection: text('projection'),
    topic: text('topic'),
    partition: Number(row['partition_no']),
    offset: Number(row['log_offset']),
    timestamp: Number(row['arrived_ms']),
    key: row['record_key'] as Uint8Array | null,
    value: row['record_value'] as Uint8Array | null,
    headers: decodeHeaders(row['headers'] as Uint8Array),
    cause: text('cause') as DeadLetterCause,
    reason: text('reason'),
    status: text('status') as DeadLetterStatus,
  };
}
