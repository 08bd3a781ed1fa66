import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SamsaError } from '../../../../errors.ts';
import { openSqlite, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import { demoSource, createImportRun, type ImportOptions, type ImportRun } from '../import-run.ts';
import type { Catalogue } from '../catalogue.ts';
import { mergeBooks, withKeys, type KnownBooks } from '../merge-books.ts';
import { catalogueMigrations, insertKnownBook, writeBatch } from '../store/sqlite/book-rows.ts';
import { findBooks } from '../store/sqlite/find-books.ts';
import type { ImportReport, ReadableRow } from './import-report.ts';
import type { BookList, ListedRow } from './lists/book-list.ts';

export type ImportProgress = {
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** The share of the list that was read, 0 to 1. */
  readonly done: number;
  readonly secondsLeft: number;
};

export type ImportDeps = {
  readonly run: ImportRun;
  readonly report: ImportReport;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Awaited between batches, so that the outbox does not grow without bound. */
  readonly keepPace?: () => Promise<void>;
};

const batchRows = 200;

/**
 * Merges a list of books into the catalogue, in transactions of 200 rows. Rows that are not books are reported and
 * skipped. Importing the same list again changes nothing. If the list cannot be read to its end, the rows before that
 * point stay.
 * @throws SamsaError `store-unavailable`: rows that were merged before stay. Importing the list again adds the rest.
 */
export async function importBooks(list: BookList, deps: ImportDeps): Promise<void> {
  const { run, report, onProgress = () => {}, keepPace = async () => {} } = deps;
  const started = performance.now();
  let batch: ReadableRow[] = [];
  let pause = Promise.resolve();
  const merge = async (): Promise<void> => {
    await pause;
    await mergeBatch(run, batch, report);
    batch = [];
    // Other users of the store get a turn while the next rows are read.
    pause = delay(1);
    onProgress(progressOf(report.rows(), list, performance.now() - started));
    await keepPace();
  };
  for await (const rows of untilDamaged(list, report)) {
    for (const row of rows) {
      if (row.problem !== undefined) {
        report.skip(row.line, row.problem);
        continue;
      }
      batch.push(row);
      if (batch.length === batchRows) await merge();
    }
  }
  await merge();
}

async function* untilDamaged({ rows }: BookList, report: ImportReport): AsyncGenerator<Iterable<ListedRow>> {
  try {
    yield* rows;
  } catch (error) {
    if (!(error instanceof SamsaError) || error.code !== 'bad-import-file') throw error;
    report.endEarly(error.message);
  }
}

async function mergeBatch(run: ImportRun, batch: readonly ReadableRow[], report: ImportReport): Promise<void> {
  if (batch.length === 0) return;
  const merged = await run.merge(batch.map(({ book }) => book));
  for (const [index, row] of batch.entries()) report.take(row, merged[index]!);
}

function progressOf(rows: number, list: BookList, tookMs: number): ImportProgress {
  const done = Math.min(1, list.bytesRead() / list.sizeBytes);
  return {
    rows,
    done,
    rowsPerSecond: (rows / Math.max(tookMs, 1)) * 1_000,
    secondsLeft: done === 0 ? 0 : (tookMs / 1_000) * (1 / done - 1),
  };
}

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
  const folder = mkdtempDisposableSync(join(tmpdir(), 'samsa-check-'));
  const database = openSqlite(join(folder.path, 'catalogue.sqlite'), {
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
      folder.remove();
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
