import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { topicRetention } from '../../../../events/topics.ts';
import { placeOf } from './book-place.ts';
import { insertText, removeText, type BookText } from './book-text.ts';
import type { Written } from './index-file.ts';
import { lastForgottenMonth, type SearchChange } from './search-projection.ts';

/** Counts what readers wanted, and moves the books they wanted up. */
export function addInterest(database: SqliteDatabase, changes: readonly SearchChange[], written: Written): void {
  const raised = new Map<string, { bookId: number; month: number; points: number }>();
  for (const change of changes) {
    if (change.kind !== 'interest' || change.bookId === null || change.points === 0) continue;
    const { bookId, month, points } = change;
    const name = `${bookId}/${month}`;
    raised.set(name, { bookId, month, points: points + (raised.get(name)?.points ?? 0) });
  }
  const add = database.prepare(
    'INSERT INTO interest VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET points = points + excluded.points',
  );
  for (const { bookId, month, points } of raised.values()) add.run(bookId, month, points);
  for (const bookId of new Set([...raised.values()].map(({ bookId }) => bookId))) {
    updatePopularity(database, bookId, written);
  }
}

/** Takes away interest that the log no longer holds, too. */
export function forgetInterest(database: SqliteDatabase, watermarkMs: number, written: Written): void {
  const { retentionMs } = topicRetention.actions;
  if (retentionMs === 0) return;
  const month = lastForgottenMonth(watermarkMs, retentionMs);
  const forgotten = database.prepare('SELECT DISTINCT book_id AS id FROM interest WHERE month <= ?').all(month);
  if (forgotten.length === 0) return;
  database.prepare('DELETE FROM interest WHERE month <= ?').run(month);
  for (const { id } of forgotten) updatePopularity(database, Number(id), written);
}

function updatePopularity(database: SqliteDatabase, bookId: number, written: Written): void {
  const row = database
    .prepare('SELECT place, own_popularity, title, author, series, subjects FROM book WHERE id = ?')
    .get(bookId);
  if (row === undefined || row['place'] === null) return;
  written.bookIds.add(bookId);
  const popularity = Number(row['own_popularity']) + interestOf(database, bookId);
  const place = placeOf(bookId, popularity);
  database.prepare('UPDATE book SET popularity = ?, place = ? WHERE id = ?').run(popularity, place, bookId);
  if (place === row['place']) return;
  written.moved = true;
  removeText(database, Number(row['place']));
  insertText(database, place, row as BookText);
}

/** The points of all months that are kept. */
export function interestOf(database: SqliteDatabase, bookId: number): number {
  return Number(
    database.prepare('SELECT sum(points) AS points FROM interest WHERE book_id = ?').get(bookId)?.['points'],
  );
}
