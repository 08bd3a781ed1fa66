import { statSync } from 'node:fs';
import { decodeBookChanged } from '../../../../../events/book-changed.ts';
import { SamsaError } from '../../../../../errors.ts';
import type { StoredRecord } from '../../../../../events/record.ts';
import type { EventLog } from '../../../../../log/log.ts';
import { pause } from '../../../../../runtime/waiting.ts';
import { openSqlite, type SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { emptyContent } from '../../stored-book.ts';
import { catalogueMigrations, insertKnownBook, putBooksAgain } from './book-rows.ts';
import { readBook } from './find-books.ts';

const booksAtATime = 200;
/** If a cluster has not answered by then, the shop starts without it. */
const answersWithinMs = 5_000;
const busyTimeoutMs = 5_000;

export type CatalogueAndLog = {
  readonly path: string;
  readonly log: EventLog;
  /** The topic of book changes. */
  readonly topic: string;
  /** Whether a shop has run in this data folder before. */
  readonly wasOpened: boolean;
};

/**
 * For a catalogue file that was restored from a backup, while the log has later changes: raises its ids and versions
 * above those of the log. Books that were added since the backup count as removed. Changed books get a new version with
 * the content of the file. Does nothing when the file is as new as the log; one read of the log shows that. Call it
 * before the catalogue is opened.
 * @returns how many books were raised; `null` when the log does not answer.
 * @throws SamsaError `data-folder-unusable` when the file has never held a book, and either the log has books, or it does
 *   not answer and a shop has run in this folder. Otherwise ids of books could be given twice.
 */
export async function raiseAboveLog(
  { path, log, topic, wasOpened }: CatalogueAndLog,
  clock: () => number,
): Promise<number | null> {
  const isThere = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const isKnown = await knows(log, topic);
  if (isKnown === null && !isThere && wasOpened) {
    throw lost(path, 'got none, and the event log does not say whether there were books. Start the log first.');
  }
  if (isKnown !== true) return isKnown === null ? null : 0;
  const { partitions } = await log.describe(topic);
  const appended = partitions.reduce((sum, { end }) => sum + end, 0);
  if (appended === 0) return 0;
  if (!isThere) throw lost(path, `got none for ${appended} changes of books in the event log.`);
  const database = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs });
  try {
    // Every record was a row of the outbox, and its ids are never given twice.
    if (appended <= lastId(database, 'outbox')) return 0;
    const known = await readVersions(log, topic);
    if (known === null) return null;
    if (known.size > 0 && lastId(database, 'book') === 0) {
      throw lost(path, `got one that never held a book, but the event log has ${known.size}.`);
    }
    const versions = [...known];
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

/** The greatest id that a table has ever given; 0 before the first. */
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

/** Whether the log has the topic; `null` when it does not answer. */
async function knows(log: EventLog, topic: string): Promise<boolean | null> {
  const settled = new AbortController();
  const described = log.describe(topic).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof SamsaError)) throw error;
      return error.code === 'topic-unknown' ? false : null;
    },
  );
  try {
    return await Promise.race([described, pause(answersWithinMs, settled.signal).then(() => null)]);
  } finally {
    settled.abort();
  }
}

/**
 * The newest version of each book in the log; `null` when the log does not answer. Records that are not changes of
 * books come from other programs and are skipped.
 */
async function readVersions(log: EventLog, topic: string): Promise<ReadonlyMap<number, number> | null> {
  const versions = new Map<number, number>();
  const { id, partitions } = await log.describe(topic);
  for (const [partition, { start, end }] of partitions.entries()) {
    for (let from = start; from < end;) {
      const request = { topic, topicId: id, partition, from, maxBytes: 1 << 20, waitMs: answersWithinMs };
      const { records, next } = await log.read({ ...request, signal: new AbortController().signal });
      for (const record of records) {
        const change = decodeOwn(record);
        if (change === null) continue;
        const { bookId, version } = change;
        versions.set(bookId, Math.max(version, versions.get(bookId) ?? 0));
      }
      if (next <= from) return null;
      from = next;
    }
  }
  return versions;
}

function decodeOwn(record: StoredRecord): ReturnType<typeof decodeBookChanged> | null {
  try {
    return decodeBookChanged(record);
  } catch (error) {
    if (error instanceof SamsaError) return null;
    throw error;
  }
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
