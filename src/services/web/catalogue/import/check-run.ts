import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import { demoSource, createImportRun, type ImportOptions, type ImportRun } from '../import-run.ts';
import type { Catalogue } from '../catalogue.ts';
import { mergeBooks, withKeys, type KnownBooks } from '../merge-books.ts';
import { catalogueMigrations, insertKnownBook, writeBatch } from '../store/sqlite/book-rows.ts';
import { findBooks } from '../store/sqlite/find-books.ts';

/** Ids of books that a check adds begin here: above those of the catalogue. */
const firstCheckedId = 2 ** 50;

/**
 * An import that does not change the catalogue. Every book that a row may be is copied into a temporary catalogue when
 * it is first needed, and changed only there. The results are therefore those of a real import.
 * @param find looks up books in the catalogue; `null` while there is no catalogue.
 */
export function createCheckRun(
  find: Catalogue['find'] | null,
  source: string,
  options: ImportOptions,
): { readonly run: ImportRun; readonly close: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'samsa-check-'));
  const database = openSqlite(join(folder, 'catalogue.sqlite'), {
    migrations: catalogueMigrations,
    busyTimeoutMs: 0,
  });
  database.prepare("INSERT INTO sqlite_sequence VALUES ('book', ?)").run(firstCheckedId);
  const run = createImportRun(
    async () => {},
    async (rows, isTouched) => {
      const keyed = withKeys(rows);
      const known = find === null ? null : await find(source, keyed);
      return database.transaction(() => {
        if (known !== null) copyBooks(database, source, known);
        const batch = mergeBooks(findBooks(database, source, keyed), keyed, { ...options, source, isTouched });
        const merged = writeBatch(database, source, batch, 0);
        database.prepare('DELETE FROM outbox').run();
        return merged;
      });
    },
  );
  return {
    run,
    close: () => {
      database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Copies the books that are not there yet, with their ids in this source and their marks as demo books. */
function copyBooks(database: SqliteDatabase, source: string, known: KnownBooks): void {
  const name = database.prepare('INSERT OR IGNORE INTO book_source VALUES (?, ?, ?)');
  const namedIds = new Set([...known.byIsbn.values(), ...known.byTitle.values()].flat().flatMap(named));
  for (const book of known.books.values()) {
    if (!insertKnownBook(database, book)) continue;
    // Any name will do: it only marks the book as one that another row of this source has.
    if (namedIds.has(book.id)) name.run(source, `\0${book.id}`, book.id);
    if (known.demoIds.has(book.id)) name.run(demoSource, `\0${book.id}`, book.id);
  }
  for (const [sourceId, id] of known.named) if (known.books.has(id)) name.run(source, sourceId, id);
}

function named({ id, isNamed }: { readonly id: number; readonly isNamed: boolean }): readonly number[] {
  return isNamed ? [id] : [];
}
