import { decodeBookChanged } from '../../../../../events/book-changed.ts';
import type { EventLog } from '../../../../../log/log.ts';
import { openSqlite, type SqliteDatabase } from '../../../../../sqlite/connection.ts';
import { emptyContent } from '../../stored-book.ts';
import { catalogueMigrations, insertKnownBook, putBooksAgain } from './book-rows.ts';
import { readBook } from './find-books.ts';

const booksAtATime = 200;
const busyTimeoutMs = 5_000;

/**
 * Raises ids and versions of a catalogue file above those of the log, where the log has had changes that the file does not
 * know: it was put back from a backup. Books that were added since then count as removed, and changed books get a new
 * version with the content of the file. Does nothing when the file is as new as the log, which costs one look at it.
 * To be called before the catalogue is opened.
 * @returns how many books were raised.
 */
export async function raiseAboveLog(path: string, log: EventLog, topic: string, clock: () => number): Promise<number> {
  const database = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs });
  try {
    const { partitions } = await log.describe(topic);
    const appended = partitions.reduce((sum, { end }) => sum + end, 0);
    // Every record was a row of the outbox, and its ids are never given twice.
    const known = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").get()?.['seq'] ?? 0;
    if (appended <= Number(known)) return 0;
    const versions = [...(await readVersions(log, topic))];
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

/** The newest version of each book in the log. */
async function readVersions(log: EventLog, topic: string): Promise<ReadonlyMap<number, number>> {
  const versions = new Map<number, number>();
  const { id, partitions } = await log.describe(topic);
  for (const [partition, { start, end }] of partitions.entries()) {
    for (let from = start; from < end;) {
      const request = { topic, topicId: id, partition, from, maxBytes: 1 << 20, waitMs: 0 };
      const { records, next } = await log.read({ ...request, signal: new AbortController().signal });
      for (const record of records) {
        const { bookId, version } = decodeBookChanged(record);
        versions.set(bookId, Math.max(version, versions.get(bookId) ?? 0));
      }
      if (next <= from) break;
      from = next;
    }
  }
  return versions;
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
