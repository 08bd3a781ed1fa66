import type { MysqlDatabase } from '../../../../mysql/database.ts';
import { reason, SamsaError } from '../../../../errors.ts';
import { pause } from '../../../../runtime/waiting.ts';
import { createdText, textCrc, type BooksTable } from './books-table.ts';
import type { MysqlConnection, MysqlRow } from '../../../../mysql/connection.ts';
import { changeTo, emptyContent, type BookContent, type StoredBook } from '../stored-book.ts';
import { readPublished } from '../import/lists/values.ts';
import { putOutbox, writeOwnRows } from '../store/mysql/book-rows.ts';
import { decodeTexts } from '../store/mysql/find-books.ts';
import { text } from './table-columns.ts';

/** Adopts rows that other programs write into `books`: takes them into the catalogue, for as long as it runs. */
export type Adoption = {
  /**
   * Resolves when every row that was committed before the call is in the catalogue.
   * @throws SamsaError `store-unavailable` (retryable).
   */
  readonly finished: () => Promise<void>;
  /** Resolves after the last statement. Close the database first. */
  readonly stopped: () => Promise<void>;
};

export type AdoptionDeps = {
  readonly database: MysqlDatabase;
  readonly table: () => BooksTable;
  readonly clock: () => number;
  /** Called after every commit. */
  readonly onCommit: () => void;
  /** Awaited between commits, so that the outbox does not grow without bound. */
  readonly keepPace: () => Promise<void>;
  /** Called once for each reason that needs a person to remove it. */
  readonly onNotAdopted: (problem: string) => void;
  readonly signal: AbortSignal;
};

/** The lock that must be held to change a book. */
export const changingBooks = 'the catalogue';

const lookEveryMs = 1_000;
/** How many ids one statement reads: a few milliseconds of work. */
const idsAtATime = 20_000;
/** A transaction may become visible after others whose ids are greater by up to this many. */
const lateIds = 2_000;

/**
 * Starts at once. It reads all rows first, then every second the newest ones and a part of the others, so that a row
 * with an old id is noticed after at most one second per 20,000 ids. Failures are reported once and tried again.
 */
export function startAdoption({ signal, ...deps }: AdoptionDeps): Adoption {
  const { database, table, clock } = deps;
  let problem = '';
  let last: Promise<unknown> = Promise.resolve();

  const adopt = async (range: IdRange): Promise<void> => {
    while (!signal.aborted) {
      const ids = await database.connected((connection) => findForeignRows(connection, table(), range));
      if (ids.length === 0) return;
      const rows = await database.exclusive(changingBooks, (connection) =>
        adoptBooks(connection, table(), ids, clock()),
      );
      // Another process has adopted them meanwhile, or their transaction has not committed yet.
      if (rows === 0) return;
      deps.onCommit();
      await deps.keepPace();
    }
  };
  const oneAtATime = (work: () => Promise<void>): Promise<void> => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
  const adoptAll = async (): Promise<void> => {
    const greatest = await database.connected(greatestId);
    for (let from = 0; from < greatest; from += idsAtATime) await adopt({ from, to: from + idsAtATime });
    newest = greatest;
  };
  let newest = 0;
  let sweptTo = 0;
  const adoptSome = async (): Promise<void> => {
    const greatest = await database.connected(greatestId);
    await adopt({ from: Math.max(0, newest - lateIds), to: greatest });
    newest = greatest;
    await adopt({ from: sweptTo, to: sweptTo + idsAtATime });
    sweptTo = sweptTo + idsAtATime < greatest ? sweptTo + idsAtATime : 0;
  };
  const notice = (error: unknown): void => {
    if (signal.aborted || (error instanceof SamsaError && error.retryable)) return;
    if (problem !== reason(error)) deps.onNotAdopted(`books of other programs are not taken in: ${reason(error)}`);
    problem = reason(error);
  };
  const running = (async () => {
    let work = adoptAll;
    while (!signal.aborted) {
      await oneAtATime(work).then(() => (work = adoptSome), notice);
      await pause(lookEveryMs, signal);
    }
  })();
  return { finished: () => oneAtATime(adoptAll), stopped: () => running };
}

/** The most rows of one transaction. */
const mostRows = 200;

/** Ids above `from`, up to `to`. */
type IdRange = { readonly from: number; readonly to: number };

/** The greatest id in `books`; 0 without rows. */
async function greatestId(connection: MysqlConnection): Promise<number> {
  const [row] = await connection.rows('SELECT COALESCE(MAX(id), 0) AS id FROM books');
  return Number(row?.['id']);
}

/** The first ids of the range where another program has added, replaced or deleted a book. Takes no lock. */
async function findForeignRows(
  connection: MysqlConnection,
  table: BooksTable,
  { from, to }: IdRange,
): Promise<readonly number[]> {
  const rows = await connection.rows(
    `SELECT books.id FROM ${ownBesideBooks} WHERE books.id > ? AND books.id <= ? AND ${isForeign(table)}
     ORDER BY books.id LIMIT ?`,
    [from, to, mostRows],
  );
  return rows.map((row) => Number(row['id']));
}

const ownBesideBooks = 'books LEFT JOIN state.book AS own ON own.id = books.id';

/** A row that another program replaced has a different title or author than the one we wrote. */
function isForeign({ marksDeleted }: BooksTable): string {
  const replaced = `own.text_crc <> ${textCrc}`;
  if (!marksDeleted) return `(own.id IS NULL OR ${replaced})`;
  return `(own.id IS NULL OR (books.deleted_at IS NULL AND ${replaced})
    OR (books.deleted_at IS NOT NULL AND own.removed = 0))`;
}

/**
 * Adopts those of these rows that other programs wrote, and keeps their ids. Removes the books that were marked as
 * deleted. Both changes go to the log. Uncommitted rows are not seen. Must run in a transaction, one at a time.
 * @returns how many rows were adopted or removed.
 */
async function adoptBooks(
  connection: MysqlConnection,
  table: BooksTable,
  ids: readonly number[],
  nowMs: number,
): Promise<number> {
  const rows = await connection.rows(
    `SELECT books.id, books.title, books.author, books.description, COALESCE(own.version, 0) AS version,
       ${table.createdIsTime ? createdText('created_at') : 'NULL'} AS created,
       CAST(books.published_at AS CHAR) AS published,
       ${table.marksDeleted ? 'books.deleted_at IS NOT NULL' : 'FALSE'} AS deleted
     FROM ${ownBesideBooks} WHERE books.id IN (?) AND ${isForeign(table)}
     ORDER BY books.id FOR UPDATE SKIP LOCKED`,
    [ids],
  );
  if (rows.length === 0) return 0;
  const books = rows.map((row) => decodeRow(row, nowMs));
  await writeOwnRows(connection, books);
  await connection.change(
    `UPDATE state.book AS own JOIN books ON books.id = own.id SET own.text_crc = ${textCrc} WHERE own.id IN (?)`,
    [books.map(({ id }) => id)],
  );
  // A book that was deleted before it was adopted was never in the log.
  await putOutbox(connection, books.filter(({ version }) => version > 0).map(changeTo), nowMs);
  return books.length;
}

function decodeRow(row: MysqlRow, nowMs: number): StoredBook {
  const before = Number(row['version']);
  const removed = Number(row['deleted']) === 1;
  const book = {
    id: Number(row['id']),
    removed,
    createdAt: decodeTime(row['created']),
    content: readContent(row, nowMs),
    givers: {},
  };
  if (removed) return { ...book, version: before === 0 ? 0 : before + 1 };
  // Greater than any version this id had before: other programs may also remove rows and fill tables again.
  return { ...book, version: Math.max(nowMs, before + 1) };
}

function readContent(row: MysqlRow, nowMs: number): BookContent {
  const published = readPublished(text(row['published']).trim(), new Date(nowMs).getUTCFullYear());
  return { ...emptyContent, ...decodeTexts(row), published_at: published === 'unreadable' ? null : published };
}

/** `0000-00-00` becomes null. */
function decodeTime(value: unknown): string | null {
  return typeof value === 'string' && !/^0000|-00/.test(value) ? value : null;
}
