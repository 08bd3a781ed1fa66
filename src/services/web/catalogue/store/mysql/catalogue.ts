import { createNotifier } from '../../../../../runtime/waiting.ts';
import {
  databaseTime,
  type MysqlAddress,
  type MysqlConnection,
  type DatabaseClock,
} from '../../../../../mysql/connection.ts';
import { openMysql, type MysqlDatabase } from '../../../../../mysql/database.ts';
import { runSteps } from '../../../../../mysql/transaction.ts';
import type { Migrations } from '../../../../../mysql/migrations.ts';
import { SamsaError } from '../../../../../errors.ts';
import { changingBooks, startAdoption, type Adoption } from '../../tutorial-table/adoption.ts';
import {
  insertBooks,
  putBooksAgain,
  putOutbox,
  removeBook,
  updateBook,
  writeBatch,
  writeOwnRows,
  type BookChange,
  renewTitleKeys,
} from './book-rows.ts';
import { describeBooks, prepareBooks, type BooksTable } from '../../tutorial-table/books-table.ts';
import {
  changeTo,
  createdNow,
  giversAfterEdit,
  isSameContent,
  toBook,
  type BookContent,
  type ChangedBook,
  type StoredBook,
} from '../../stored-book.ts';
import type { Catalogue, OpenCatalogue } from '../../catalogue.ts';
import { createImportRun, type ImportOptions, type ImportRun } from '../../import-run.ts';
import { mergeBooks, withKeys } from '../../merge-books.ts';
import { createOutbox, createOutboxPace, type OutboxStore } from '../../outbox/outbox.ts';
import { findBooks, listBooks, readBooks, readDemoBooks } from './find-books.ts';

export type MysqlCatalogueOptions = {
  /** Milliseconds since 1970, for `created_at` and event times. */
  readonly clock: () => number;
  /** The clock that all processes share for the relay's lease. Default: the database's. */
  readonly leaseClock?: DatabaseClock;
  /** @see MysqlOptions.onProblem */
  readonly onProblem?: ((problem: SamsaError | null) => void) | undefined;
  /**
   * Called once for each reason why books of other programs cannot be adopted. Not called while the database is
   * unavailable.
   */
  readonly onNotAdopted: (problem: string) => void;
};

/** The prefix of the tables that are ours alone. `books` may belong to another program. */
export const tablePrefix = 'catalogue_';

/** While more changes than this wait for the log, no further rows of other programs are adopted. */
const mostWaiting = 10_000;

/**
 * Opens the catalogue in a MySQL or MariaDB database, shared by all processes. While it is open, rows that other
 * programs write into the table `books` are adopted in batches; new rows within a second or two.
 * @throws SamsaError `bad-configuration`, `state-too-new`; `store-unavailable` (retryable) when there is no
 *   `onProblem`.
 */
export async function openMysqlCatalogue(
  address: MysqlAddress,
  options: MysqlCatalogueOptions,
): Promise<OpenCatalogue> {
  const { clock, leaseClock = databaseTime, onProblem, onNotAdopted } = options;
  const books = createPreparedBooks();
  const database = await openMysql({ ...address, tablePrefix }, { migrations: [books.migrations], onProblem });
  const closing = new AbortController();
  const notifier = createNotifier();
  const outbox = createOutbox(outboxStore(database, clock, leaseClock), notifier);
  const adoption = startAdoption({
    database,
    table: books.table,
    clock,
    onCommit: notifier.notify,
    keepPace: createOutboxPace(outbox, { mostRows: mostWaiting }),
    onNotAdopted,
    signal: closing.signal,
  });
  const close = async (): Promise<void> => {
    closing.abort();
    await database.close();
    await adoption.stopped();
  };
  const catalogue = createCatalogue({ database, table: books.table, clock, adoption, onCommit: notifier.notify });
  return { catalogue, outbox, close, [Symbol.asyncDispose]: close };
}

function outboxStore(database: MysqlDatabase, clock: () => number, leaseClock: DatabaseClock): OutboxStore {
  const run: OutboxStore['read'] = (steps) => database.connected((connection) => runSteps(connection, steps()));
  return {
    read: run,
    write: run,
    writeAt: (steps) =>
      database.connected(async (connection) => runSteps(connection, steps(await leaseClock(connection)))),
    putAgain: (ids) => database.exclusive(changingBooks, (connection) => putBooksAgain(connection, ids, clock())),
  };
}

/** The tables of the catalogue. `table` describes `books` once the migrations have run. */
export function createPreparedBooks(): { readonly migrations: Migrations; readonly table: () => BooksTable } {
  let table: BooksTable | null = null;
  return {
    migrations: {
      name: 'catalogue',
      folder: new URL('migrations/', import.meta.url),
      afterwards: async (connection, database) => {
        await prepareBooks(connection, database);
        table = await describeBooks(connection);
      },
    },
    table: () => table!,
  };
}

type CatalogueParts = {
  readonly database: MysqlDatabase;
  readonly table: () => BooksTable;
  readonly clock: () => number;
  readonly adoption: Adoption;
  readonly onCommit: () => void;
};

function createCatalogue(parts: CatalogueParts): Catalogue {
  const { database, table, clock, onCommit } = parts;
  const committed = async <Result>(work: Promise<Result>): Promise<Result> => {
    const result = await work;
    onCommit();
    return result;
  };
  return {
    get: async (id) => {
      const book = (await database.connected((connection) => readBooks(connection, [id]))).get(id);
      return book === undefined || book.removed ? null : toBook(id, book.createdAt, book.content);
    },

    add: (content) => committed(database.transaction((connection) => addBook(connection, table(), content, clock()))),

    change: ((id: number, content: BookContent | null) =>
      committed(
        database.exclusive(changingBooks, (connection) => changeBook(connection, table(), { id, content }, clock())),
      )) as Catalogue['change'],

    startImport: (source, options) => startImport(parts, source, options),

    find: (source, rows) => database.connected((connection) => findBooks(connection, source, rows)),

    list: async (afterId, limit) =>
      (await database.connected((connection) => listBooks(connection, afterId, limit))).map(
        ({ id, createdAt, content }) => toBook(id, createdAt, content),
      ),

    removeDemoBooks: async () => {
      let removed = 0;
      for (let more = 1; more > 0; removed += more) {
        more = await committed(
          database.exclusive(changingBooks, async (connection) => {
            const books = await readDemoBooks(connection);
            for (const book of books) await putOutbox(connection, [await removeBook(connection, book)], clock());
            return books.length;
          }),
        );
      }
      return removed;
    },

    census: () =>
      database.read(async (connection) => {
        const [row] = await connection.rows(
          `SELECT COUNT(*) AS held, COALESCE(SUM(removed), 0) AS removed FROM state.book WHERE version > 0`,
        );
        const everHeld = Number(row?.['held']);
        return { books: everHeld - Number(row?.['removed']), everHeld };
      }),
  };
}

async function addBook(
  connection: MysqlConnection,
  table: BooksTable,
  content: BookContent,
  nowMs: number,
): Promise<ChangedBook> {
  const createdAt = createdNow(nowMs);
  const [id] = await insertBooks(connection, table, [{ createdAt, content, givers: {} }]);
  const change = { bookId: id!, version: 1, book: toBook(id!, createdAt, content) };
  await putOutbox(connection, [change], nowMs);
  return change;
}

async function changeBook(
  connection: MysqlConnection,
  table: BooksTable,
  { id, content }: { readonly id: number; readonly content: BookContent | null },
  nowMs: number,
): Promise<BookChange> {
  const book = (await readBooks(connection, [id])).get(id);
  if (book === undefined || book.removed) throw new SamsaError('book-unknown', `There is no book ${id}.`);
  if (content !== null && isSameContent(book.content, content)) return changeTo(book);
  let change: BookChange;
  if (content === null) change = await removeBook(connection, book);
  else {
    const givers = giversAfterEdit(book, content);
    const changed: StoredBook = { ...book, version: book.version + 1, content, givers };
    await updateBook(connection, table, changed);
    await writeOwnRows(connection, [changed]);
    change = changeTo(changed);
  }
  await putOutbox(connection, [change], nowMs);
  return change;
}

/**
 * First waits until all rows of other programs are adopted. Otherwise the import would add those books a second time.
 */
function startImport(
  { database, table, clock, adoption, onCommit }: CatalogueParts,
  source: string,
  options?: ImportOptions,
): ImportRun {
  const prepare = async (): Promise<void> => {
    await adoption.finished();
    while (!(await database.exclusive(changingBooks, renewTitleKeys)));
  };
  return createImportRun(prepare, async (rows, isTouched) => {
    const merged = await database.exclusive(changingBooks, async (connection) => {
      const keyed = withKeys(rows);
      const known = await findBooks(connection, source, keyed);
      const batch = mergeBooks(known, keyed, { ...options, source, isTouched });
      return writeBatch(connection, { table: table(), source, nowMs: clock() }, batch);
    });
    onCommit();
    return merged;
  });
}
