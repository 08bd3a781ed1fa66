import { tombstoneRetentionMs } from '../../../events/topics.ts';
import { change, rows, type Steps } from '../../../sql/statements.ts';

/**
 * Makes the service read the books again from the start of their topic, when nothing was committed for 30 days: the
 * topic may have lost the tombstones of removed books. What is known of readers stays. The books are missing until they
 * are read again; followers of change numbers see both.
 * @returns whether this was done.
 */
export function* renewOldBooks(topic: string, nowMs: number): Steps<boolean> {
  const stored = yield* rows("SELECT value FROM state.turn WHERE name IN ('book', 'committed') ORDER BY name");
  const [lastChange = 0, committedMs = 0] = stored.map((row) => Number(row['value']));
  if (committedMs === 0 || nowMs - committedMs <= tombstoneRetentionMs) return false;
  yield* change('UPDATE state.book SET version = -1, content = NULL, change_number = change_number + ?', [lastChange]);
  yield* change("UPDATE state.turn SET value = value * 2 WHERE name = 'book'");
  yield* readAgain(topic);
  yield* change("UPDATE state.turn SET value = ? WHERE name = 'committed'", [nowMs]);
  return true;
}

function* readAgain(topic: string): Steps<void> {
  for (const table of ['lease', 'mark']) {
    const ofTopic = 'position_id IN (SELECT id FROM state.position WHERE topic = ?)';
    yield* change(`DELETE FROM state.${table} WHERE ${ofTopic}`, [topic]);
  }
  yield* change('DELETE FROM state.position WHERE topic = ?', [topic]);
  // The changes of redriven letters are gone. A record that still cannot be folded becomes a new dead letter.
  yield* change("DELETE FROM state.dead_letter WHERE topic = ? AND status = 'redriven'", [topic]);
}
