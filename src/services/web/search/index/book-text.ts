import type { SqliteDatabase } from '../../../../sqlite/connection.ts';

/** The words a book is found by. */
export type BookText = {
  readonly title: string;
  readonly author: string;
  readonly series: string;
  readonly subjects: string;
};

export function insertText(
  database: SqliteDatabase,
  place: number,
  { title, author, series, subjects }: BookText,
): void {
  database
    .prepare('INSERT INTO book_text (rowid, title, author, series, subjects) VALUES (?, ?, ?, ?, ?)')
    .run(place, title, author, series, subjects);
}

export function removeText(database: SqliteDatabase, place: number): void {
  database.prepare('DELETE FROM book_text WHERE rowid = ?').run(place);
}

/**
 * FTS5's own way to optimise in steps: a negative first step begins, positive ones go on until nothing is written.
 * @returns whether it wrote.
 */
export function mergeText(database: SqliteDatabase, pages: number): boolean {
  return database.transaction(() => {
    const before = totalChanges(database);
    database.prepare("INSERT INTO book_text (book_text, rank) VALUES ('merge', ?)").run(pages);
    return totalChanges(database) - before >= 2;
  });
}

function totalChanges(database: SqliteDatabase): number {
  return Number(database.prepare('SELECT total_changes() AS n').get()?.['n']);
}
