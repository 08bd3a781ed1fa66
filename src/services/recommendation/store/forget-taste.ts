import { change, rows, type SqlValue, type Steps } from '../../../sql/statements.ts';
import { topicRetention } from '../../../events/topics.ts';

const dayMs = 86_400_000;
/** About so many rows of a table per commit, so that no commit holds others up for long. */
const forgottenPerCommit = 2_000;

const { searches, actions } = topicRetention;
const kept = [
  { table: 'search', time: 'time_ms', retentionMs: searches.retentionMs },
  { table: 'liking', time: 'time_ms', retentionMs: actions.retentionMs },
  { table: 'verdict', time: 'time_ms', retentionMs: actions.retentionMs },
  { table: 'forgotten', time: 'until_ms', retentionMs: actions.retentionMs },
] as const;

function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

/** Whether the watermark has entered a day for which old rows may still have to be removed. */
export function isForgettingDue(watermarkMs: number, doneDay: number): boolean {
  return dayOf(watermarkMs) > doneDay;
}

/**
 * Removes some of what the topics no longer keep when the watermark's day ends. No event happens after it arrives, so a
 * rebuild finds everything that is left in the topics; and no record still to come can touch what is removed: it would
 * be late.
 * @returns the readers of whose books something was removed.
 */
export function* forgetOldTaste(watermarkMs: number): Steps<readonly Uint8Array[]> {
  const day = dayOf(watermarkMs);
  let isDone = true;
  const readers: Uint8Array[] = [];
  for (const { table, time, retentionMs } of kept) {
    const beforeMs = (day + 1) * dayMs - retentionMs;
    const [last] = yield* rows(
      `SELECT ${time} AS ms FROM state.${table} WHERE ${time} < ? ORDER BY ${time} LIMIT 1 OFFSET ${forgottenPerCommit - 1}`,
      [beforeMs],
    );
    isDone &&= last === undefined;
    const untilMs: SqlValue = last === undefined ? beforeMs - 1 : Number(last['ms']);
    if (table === 'liking' || table === 'verdict') {
      const old = yield* rows(`SELECT DISTINCT reader FROM state.${table} WHERE ${time} <= ?`, [untilMs]);
      readers.push(...old.map((row) => row['reader'] as Uint8Array));
    }
    yield* change(`DELETE FROM state.${table} WHERE ${time} <= ?`, [untilMs]);
  }
  if (isDone) yield* change("UPDATE state.turn SET value = ? WHERE name = 'old'", [day]);
  return readers;
}
