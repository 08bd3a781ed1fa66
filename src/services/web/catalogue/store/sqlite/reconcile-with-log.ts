import { existsSync, statSync } from 'node:fs';
import { SamsaError } from '../../../../../errors.ts';
import type { EventLog } from '../../../../../log/log.ts';
import { openSqlite, type SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { knowsTopic, putMissingAgain, readNewestChanges } from '../../outbox/changes-in-log.ts';
import { emptyContent } from '../../stored-book.ts';
import { catalogueMigrations, insertKnownBook, putBooksAgain } from './book-rows.ts';
import { openSqliteCatalogue } from './catalogue.ts';
import { readBook } from './find-books.ts';

const booksAtATime = 200;
const busyTimeoutMs = 5_000;

type Place = {
  readonly path: string;
  readonly log: EventLog;
  /** The topic of book changes. */
  readonly topic: string;
};

export type CatalogueAndLog = Place & {
  /** Whether a shop has run in this data folder before. */
  readonly wasOpened: boolean;
};

/**
 * For a catalogue file that was restored from a backup, while the log has later changes: raises its ids and versions
 * above those of the log. Books that were added since the backup count as removed. Changed books get a new version with
 * the content of the file. Does nothing when the file is as new as the log; one read of the log shows that. Call it
 * before the catalogue is opened.
 * @returns how many books were raised; `null` when the log does not answer.
 * @throws SamsaError `data-folder-unusable` when the file has never held a book, and either the log has books, or it
 *   does not answer and a shop has run in this folder. Otherwise ids of books could be given twice.
 */
export async function raiseAboveLog(
  { path, log, topic, wasOpened }: CatalogueAndLog,
  clock: () => number,
): Promise<number | null> {
  const isThere = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const appended = await countAppended(log, topic);
  if (appended === null && !isThere && wasOpened) {
    throw lost(path, 'got none, and the event log does not say whether there were books. Start the log first.');
  }
  if (appended === null || appended === 0) return appended;
  if (!isThere) throw lost(path, `got none for ${appended} changes of books in the event log.`);
  const database = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs });
  try {
    // Every record of the log was a row of the outbox.
    if (appended <= lastId(database, 'outbox')) return 0;
    const known = await unlessSilent(() => readNewestChanges(log, topic));
    if (known === null) return null;
    if (known.size > 0 && lastId(database, 'book') === 0) {
      throw lost(path, `got one that never held a book, but the event log has ${known.size}.`);
    }
    const versions = [...known].map(([id, { version }]) => [id, version] as const);
    let raised = 0;
    for (let from = 0; from < versions.length; from += booksAtATime) {
      const some = versions.slice(from, from + booksAtATime);
      raised += database.transaction(() => raiseBooks(database, some, clock()));
    }
    database.transaction(() => raiseOutbox(database, appended));
    return raised;
  } finally {
    database.close();
  }
}

/**
 * For a log that was lost, or was restored from a backup while the catalogue has later changes: sends the books that it
 * lacks again. Compares them only when the log has fewer changes than have left the outbox. Call it after
 * `raiseAboveLog`.
 * @returns how many books are sent; `null` when the log does not answer.
 */
export async function fillLog({ path, log, topic }: Place, clock: () => number): Promise<number | null> {
  if (!existsSync(path)) return 0;
  const database = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs });
  try {
    return await unlessSilent(() => fill(database, { path, log, topic }, clock));
  } finally {
    database.close();
  }
}

async function fill(
  database: SqliteDatabase,
  { path, log, topic }: Place,
  clock: () => number,
): Promise<number | null> {
  // Read before the log: what leaves the outbox meanwhile is in the log by then.
  const sent = sentChanges(database);
  const appended = await countAppended(log, topic);
  if (appended === null) return null;
  const lacking = Math.max(0, sent - appended);
  // What is sent again does not change how many are lacking. Another number, also a smaller one, means another log.
  if (lacking === Number(database.prepare('SELECT number FROM lost_changes').get()?.['number'])) return 0;
  let missing = 0;
  if (lacking > 0) {
    await using shop = openSqliteCatalogue(path, { clock, busyTimeoutMs });
    missing = await putMissingAgain(shop, log, topic);
  }
  database.transaction(() => database.prepare('UPDATE lost_changes SET number = ?').run(lacking));
  return missing;
}

/** How many changes have left the outbox. Every change is a row of it until it is in the log. */
function sentChanges(database: SqliteDatabase): number {
  const row = database
    .prepare(
      `SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0) - (SELECT COUNT(*) FROM outbox) AS sent`,
    )
    .get();
  return Number(row?.['sent']);
}

/** How many changes the log has ever taken; 0 without the topic, `null` when it does not answer. */
async function countAppended(log: EventLog, topic: string): Promise<number | null> {
  const isKnown = await knowsTopic(log, topic);
  if (isKnown !== true) return isKnown === null ? null : 0;
  return (await log.describe(topic)).partitions.reduce((sum, { end }) => sum + end, 0);
}

/** @returns `null` when the log stops answering. */
async function unlessSilent<Result>(use: () => Promise<Result>): Promise<Result | null> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof SamsaError && error.code === 'log-unavailable') return null;
    throw error;
  }
}

/** The greatest id that a table has ever given; 0 before the first. No id is given twice. */
function lastId(database: SqliteDatabase, table: 'book' | 'outbox'): number {
  return Number(database.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(table)?.['seq'] ?? 0);
}

function lost(path: string, found: string): SamsaError {
  return new SamsaError(
    'data-folder-unusable',
    `${path}: expected the catalogue of this shop, ${found} Put the file back from a backup, or begin a new shop in ` +
      'another folder with SAMSA_DATA, on Kafka also with topics of other names (mq.topics).',
  );
}

function raiseBooks(database: SqliteDatabase, versions: readonly (readonly [number, number])[], nowMs: number): number {
  const raised: number[] = [];
  for (const [id, version] of versions) {
    const book = readBook(database, id);
    if (book !== null && book.version >= version) continue;
    if (book !== null) database.prepare('UPDATE book SET version = ? WHERE id = ?').run(version + 1, id);
    else {
      const content = { ...emptyContent, title: '' };
      insertKnownBook(database, { id, version: version + 1, removed: true, createdAt: null, content, givers: {} });
    }
    raised.push(id);
  }
  putBooksAgain(database, raised, nowMs);
  return raised.length;
}

function raiseOutbox(database: SqliteDatabase, appended: number): void {
  const { changes } = database
    .prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'outbox'")
    .run(appended);
  if (changes === 0) database.prepare("INSERT INTO sqlite_sequence VALUES ('outbox', ?)").run(appended);
}
