import { openSqlite, runSteps, type SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { isBusy, storeError } from '../../../../../sqlite/errors.ts';
import { SamsaError } from '../../../../../errors.ts';
import { createNotifier, retry } from '../../../../../runtime/waiting.ts';
import {
  catalogueMigrations,
  insertBook,
  putBooksAgain,
  removeBook,
  updateBook,
  writeBatch,
  renewTitleKeys,
} from './book-rows.ts';
import { decodeBook, findBooks, readBook } from './find-books.ts';
import { demoSource, createImportRun } from '../../import-run.ts';
import {
  changeTo,
  giversAfterEdit,
  isSameContent,
  toBook,
  type BookContent,
  type ChangedBook,
  type RemovedBook,
} from '../../stored-book.ts';
import type { Catalogue, OpenCatalogue } from '../../catalogue.ts';
import { mergeBooks, withKeys } from '../../merge-books.ts';
import { createOutbox } from '../../outbox/outbox.ts';

export type SqliteCatalogueOptions = {
  /** Milliseconds since 1970, for `created_at`, event times and the relay's lease. */
  readonly clock: () => number;
  /**
   * How long one attempt blocks this thread while another connection writes; the call tries again for about three
   * seconds without blocking, so 10 serves a thread that answers requests.
   */
  readonly busyTimeoutMs: number;
  /** True when another thread checkpoints this file. */
  readonly checkpointedElsewhere?: boolean;
  /** @see SqliteOptions.checkpointBytes */
  readonly checkpointBytes?: number;
};

/**
 * Opens the catalogue in a SQLite file, or creates it. Several processes may have it open.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export function openSqliteCatalogue(path: string, options: SqliteCatalogueOptions): OpenCatalogue {
  const { clock, ...connection } = options;
  const database = openSqlite(path, { ...connection, migrations: catalogueMigrations });
  const write = <Result>(body: () => Result): Promise<Result> => retry(() => database.transaction(body), untilFree);
  const notifier = createNotifier();
  const close = async (): Promise<void> => database.close();
  return {
    catalogue: createCatalogue(database, clock, async (body) => {
      const result = await write(body);
      notifier.notify();
      return result;
    }),
    outbox: createOutbox(
      {
        read: async (steps) => runSteps(database, steps()),
        write: (steps) => write(() => runSteps(database, steps())),
        writeAt: (steps) => write(() => runSteps(database, steps(clock()))),
        putAgain: (ids) => write(() => putBooksAgain(database, ids, clock())),
      },
      notifier,
    ),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Write = <Result>(body: () => Result) => Promise<Result>;

function createCatalogue(database: SqliteDatabase, clock: () => number, write: Write): Catalogue {
  const changeNow = (id: number, content: BookContent | null): ChangedBook | RemovedBook => {
    const row = readBook(database, id);
    if (row === null || row.removed) throw new SamsaError('book-unknown', `There is no book ${id}.`);
    if (content === null) return removeBook(database, row, clock());
    if (isSameContent(row.content, content)) return changeTo(row);
    return updateBook(database, { ...row, content, givers: giversAfterEdit(row, content) }, clock());
  };
  return {
    get: async (id) =>
      reading(database, () => {
        const row = readBook(database, id);
        return row === null || row.removed ? null : toBook(id, row.createdAt, row.content);
      }),

    add: (content) => write(() => insertBook(database, content, clock())),

    change: ((id: number, content: BookContent | null) => write(() => changeNow(id, content))) as Catalogue['change'],

    startImport: (source, options) => {
      const prepare = async (): Promise<void> => {
        while (!(await write(() => renewTitleKeys(database))));
      };
      return createImportRun(prepare, (rows, isTouched) =>
        write(() => {
          const keyed = withKeys(rows);
          const known = findBooks(database, source, keyed);
          return writeBatch(database, source, mergeBooks(known, keyed, { ...options, source, isTouched }), clock());
        }),
      );
    },

    find: async (source, rows) => reading(database, () => findBooks(database, source, rows)),

    list: async (afterId, limit) =>
      reading(database, () =>
        database
          .prepare('SELECT * FROM book WHERE id > ? AND removed = 0 ORDER BY id LIMIT ?')
          .all(afterId, limit)
          .map(decodeBook)
          .map(({ id, createdAt, content }) => toBook(id, createdAt, content)),
      ),

    removeDemoBooks: async () => {
      let removed = 0;
      for (let more = 1; more > 0; removed += more) {
        more = await write(() => {
          const books = database.prepare(demoBooksSql).all(demoSource, removedAtOnce).map(decodeBook);
          for (const book of books) removeBook(database, book, clock());
          return books.length;
        });
      }
      return removed;
    },

    census: async () =>
      reading(database, () => {
        const everHeld = count(database, "SELECT seq AS n FROM sqlite_sequence WHERE name = 'book'");
        return { books: everHeld - count(database, 'SELECT count(*) AS n FROM book WHERE removed = 1'), everHeld };
      }),
  };
}

const removedAtOnce = 200;
/** An edit raises the version. */
const demoBooksSql = `SELECT book.* FROM book_source JOIN book ON id = book_id
  WHERE source = ? AND removed = 0 AND version = 1 LIMIT ?`;

/** One attempt blocks for at most the connection's busy timeout. Between attempts the thread is free. */
const untilFree = { isTemporary: isBusy, withinMs: 3_000, backoff: { firstMs: 10, mostMs: 25 } };

function count(database: SqliteDatabase, sql: string): number {
  return Number(database.prepare(sql).get()?.['n'] ?? 0);
}

function reading<Result>(database: SqliteDatabase, body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    throw storeError(database.path, error);
  }
}
