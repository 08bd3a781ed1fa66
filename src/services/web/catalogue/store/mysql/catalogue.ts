import type { MysqlAddress, MysqlConnection } from '../../../../../mysql/connection.ts';
import { openMysql, type MysqlDatabase } from '../../../../../mysql/database.ts';
import { databaseTime, type DatabaseClock } from '../../../../../mysql/connection.ts';
import type { Migrations } from '../../../../../mysql/migrations.ts';
import { SamsaError } from '../../../../../errors.ts';
import { changingBooks, startAdoption, type Adoption } from '../../tutorial-table/adoption.ts';
import { insertBooks, putOutbox, removeBook, updateBook, type BookChange } from './book-rows.ts';
import { describeBooks, prepareBooks, type BooksTable } from '../../tutorial-table/books-table.ts';
import type { BookContent, Catalogue, ChangedBook, ImportRun, OpenCatalogue } from '../../catalogue.ts';
import { mergeRows } from './import-run.ts';
import { createOutboxBell } from '../../outbox/outbox-bell.ts';
import { createOutboxPace } from '../../outbox/outbox-pace.ts';
import { createMysqlOutbox } from './outbox.ts';
import { readBooks } from './read-books.ts';
import { changeTo, createdNow, isSameContent, toBook } from '../stored-book.ts';
import { createTouchedBooks } from '../touched-books.ts';

export type MysqlCatalogueOptions = {
  /** Milliseconds since 1970, for `created_at` and event times. */
  readonly clock: () => number;
  /** What all processes measure the relay's lease by; the database's own unless given. */
  readonly leaseClock?: DatabaseClock;
  /** @see MysqlOptions.onProblem */
  readonly onProblem?: ((problem: SamsaError | null) => void) | undefined;
  /** Why books that other programs wrote cannot be taken in; each reason once. A database that is away is none. */
  readonly onNotAdopted: (problem: string) => void;
};

/** Of the tables that are ours alone; `books` may be there before us. */
const tablePrefix = 'catalogue_';

/** So many changes may wait for the log before more rows of others are taken in. */
const mostWaiting = 10_000;

/**
 * Opens the catalogue in a MySQL or MariaDB database, shared by all processes, and takes in what other programs write
 * into the table `books`: what is there already, a batch at a time beside all else, and later rows within a second or
 * two.
 * @throws SamsaError `bad-configuration`, `state-too-new`; `store-unavailable` (retryable) when there is no `onProblem`.
 */
export async function openMysqlCatalogue(
  address: MysqlAddress,
  options: MysqlCatalogueOptions,
): Promise<OpenCatalogue> {
  const { clock, leaseClock = databaseTime, onProblem, onNotAdopted } = options;
  const books = createPreparedBooks();
  const database = await openMysql({ ...address, tablePrefix }, { migrations: [books.migrations], onProblem });
  const closing = new AbortController();
  const bell = createOutboxBell();
  const outbox = createMysqlOutbox({ database, table: books.table, clock, leaseClock, bell });
  const adoption = startAdoption({
    database,
    table: books.table,
    clock,
    onCommit: bell.ring,
    keepPace: createOutboxPace(outbox, { mostRows: mostWaiting }),
    onNotAdopted,
    signal: closing.signal,
  });
  const close = async (): Promise<void> => {
    closing.abort();
    await database.close();
    await adoption.stopped();
  };
  const catalogue = createCatalogue({ database, table: books.table, clock, adoption, onCommit: bell.ring });
  return { catalogue, outbox, close, [Symbol.asyncDispose]: close };
}

/** The tables of the catalogue; what is particular about `books` is known to all that has a connection afterwards. */
function createPreparedBooks(): { readonly migrations: Migrations; readonly table: () => BooksTable } {
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
      const book = (await database.connected((connection) => readBooks(connection, table(), [id]))).get(id);
      return book === undefined || book.removed ? null : toBook(id, book.createdAt, book.content);
    },

    add: (content) => committed(database.transaction((connection) => addBook(connection, table(), content, clock()))),

    change: ((id: number, content: BookContent | null) =>
      committed(
        database.exclusive(changingBooks, (connection) => changeBook(connection, table(), { id, content }, clock())),
      )) as Catalogue['change'],

    startImport: (source) => createImportRun(parts, source),

    census: () =>
      database.read(async (connection) => {
        const [books] = await connection.rows('SELECT COUNT(*) AS n FROM books WHERE samsa_version > 0');
        const [removed] = await connection.rows('SELECT COUNT(*) AS n FROM catalogue_removed_book');
        return { books: Number(books?.['n']), everHeld: Number(books?.['n']) + Number(removed?.['n']) };
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
  const [id] = await insertBooks(connection, table, [{ version: 1, createdAt, content }]);
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
  const book = (await readBooks(connection, table, [id])).get(id);
  if (book === undefined || book.removed) throw new SamsaError('book-unknown', `There is no book ${id}.`);
  if (content !== null && isSameContent(book.content, content)) return changeTo(book);
  let change: BookChange;
  if (content === null) change = await removeBook(connection, book);
  else {
    const version = book.version + 1;
    await updateBook(connection, table, { id, version, content });
    change = { bookId: id, version, book: toBook(id, book.createdAt, content) };
  }
  await putOutbox(connection, [change], nowMs);
  return change;
}

/** Rows of others that are not taken in yet would not be found, and be added once more: they come first. */
function createImportRun({ database, table, clock, adoption, onCommit }: CatalogueParts, source: string): ImportRun {
  const touched = createTouchedBooks();
  let adopted: Promise<void> | null = null;
  return {
    merge: async (rows) => {
      await (adopted ??= adoption.finished());
      const merged = await database.exclusive(changingBooks, (connection) =>
        mergeRows(connection, { table: table(), source, nowMs: clock() }, rows, touched.has),
      );
      onCommit();
      for (const { bookId } of merged) touched.add(bookId);
      return merged.map(({ outcome }) => outcome);
    },
  };
}
