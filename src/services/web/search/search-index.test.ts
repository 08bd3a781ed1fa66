import assert from 'node:assert/strict';
import { closeSync, openSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { makeTemporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { until } from '../../../../test/support/until.ts';
import { openSqlite } from '../../../sqlite/connection.ts';
import { bookChangedRecord, type BookChanged } from '../../../events/book-changed.ts';
import { createEventSource } from '../../../events/envelope.ts';
import { readerActionRecord } from '../../../events/reader-action.ts';
import { defaultTopicNames as topics } from '../../../events/topics.ts';
import { compactRecords } from '../../../log/sqlite/retention.ts';
import type { EventLog } from '../../../log/log.ts';
import { openLog, type LogLocation } from '../../../log/open-log.ts';
import { logMigrations } from '../../../log/sqlite/topics.ts';
import { dayMs } from '../../../runtime/time.ts';
import { openSearchIndex, type SearchIndex } from './search-index.ts';

const partitions = 2;
const source = createEventSource('test', Date.now);

function added(bookId: number, title: string, version = 1, popularity = 1): BookChanged {
  return { bookId, version, book: { id: bookId, title, author: 'Somebody', popularity } };
}

function logAt(folder: string): LogLocation {
  return { kind: 'sqlite', path: join(folder, 'log.sqlite'), topics, partitions };
}

describe('search index', () => {
  let folder = '';
  let log: EventLog;
  let index: SearchIndex | null = null;
  let said: string[] = [];
  beforeEach(async () => {
    folder = makeTemporaryFolder();
    said = [];
    log = await openLog(logAt(folder), { clock: Date.now, busyTimeoutMs: 1_000 });
  });
  afterEach(async () => {
    await index?.close();
    index = null;
    await log.close();
  });

  const indexPath = (): string => join(folder, 'search-index.sqlite');
  const publish = (...changes: readonly BookChanged[]) =>
    log.append(changes.map((change) => bookChangedRecord(topics.changes, source, change)));
  const open = async (): Promise<SearchIndex> => {
    const logger = pino({ level: 'info' }, { write: (line: string) => said.push(line) });
    index = await openSearchIndex({
      path: indexPath(),
      log: logAt(folder),
      logger,
    });
    return index;
  };
  const find = (text: string): readonly number[] => index!.search({ text, offset: 0, limit: 10 }).bookIds;
  const titles = (text: string): readonly string[] => {
    const { value } = index!.search({ text, offset: 0, limit: 10 });
    return (JSON.parse(value.toString()) as { title: string }[]).map(({ title }) => title);
  };
  const finds = (text: string): boolean => {
    try {
      return find(text).length > 0;
    } catch (error) {
      assert.equal((error as { code: string }).code, 'store-unavailable');
      return false;
    }
  };

  it('finds what the log holds and what comes, and no longer what was removed', async () => {
    await publish(added(1, 'Silent Spring'));
    await open();
    await until('the book of the log is found', () => finds('silent'));
    await publish(added(2, 'Loud Autumn'), { bookId: 1, version: 2, book: null });
    await until('the changes are found', () => finds('autumn') && !finds('silent'));
    assert.deepEqual(titles('autumn'), ['Loud Autumn']);
    await until('it says that all is well', () => index!.problems().length === 0 && index!.freshness().lagEvents === 0);
  });

  it('finds what compaction has left, and accounts for what it removed', async () => {
    await publish(added(1, 'Silent Spring'), added(2, 'Old Title'), added(2, 'New Title', 2));
    await publish({ bookId: 1, version: 2, book: null });
    const database = openSqlite(join(folder, 'log.sqlite'), { migrations: logMigrations, busyTimeoutMs: 1_000 });
    for (const days of [1, 32]) {
      await compactRecords(database, Date.now() + days * dayMs, new AbortController().signal);
    }
    database.close();
    await open();
    await until('the book that is left is found', () => finds('new') && index!.freshness().lagEvents === 0);
    await until(
      'the ledger is reported',
      () => index!.ledger().length > 0 && index!.ledger().every(({ lag }) => lag === 0),
    );
    assert.deepEqual([find('old'), find('silent')], [[], []]);
    const read = index!.ledger().filter(({ topic }) => topic === topics.changes);
    assert.deepEqual(
      (['applied', 'compacted'] as const).map((name) => read.reduce((sum, { outcomes }) => sum + outcomes[name], 0)),
      [1, 3],
    );
    assert.ok(read.every(({ balanced, lag }) => balanced && lag === 0));
  });

  it('shows the change of a book that was shown before', async () => {
    await open();
    await index!.applyAtOnce(added(1, 'First Title'));
    assert.deepEqual(find('first'), [1]);
    assert.deepEqual([1, 2, 3].map(() => titles('title')).at(-1), ['First Title']);
    await index!.applyAtOnce(added(1, 'Second Title', 2));
    assert.deepEqual(find('first second'), [1]);
    assert.deepEqual(find('second'), [1]);
    assert.deepEqual(titles('title'), ['Second Title']);
  });

  it('finds a book that was applied at once when that resolves, and lets no older change undo it', async () => {
    await open();
    await index!.applyAtOnce(added(1, 'Silent Spring', 3));
    assert.deepEqual(find('spring'), [1]);
    await index!.applyAtOnce(added(1, 'Old Title', 2));
    await publish(added(1, 'Older Title', 1), added(2, 'Marker'));
    await until('the log is read', () => finds('marker') && index!.freshness().lagEvents === 0);
    assert.deepEqual([find('old'), find('spring')], [[], [1]]);
  });

  it('corrects and joins by the words of books that came after the start, one by one and many at once', async () => {
    await publish(...Array.from({ length: 300 }, (_, at) => added(at + 1, `Word${at} of Silent Springs`)));
    await open();
    await until('words are corrected', () => index!.corrects() && index!.correctWord('silnet') === 'silent');
    await index!.applyAtOnce(added(301, 'Zanzibar'));
    assert.deepEqual([find('zanzibra'), find('zanz ibar')], [[301], [301]]);
    await publish(...Array.from({ length: 250 }, (_, at) => added(at + 400, `Sunset${at} Boulevard`)));
    await until('the last of many is found', () => finds('sunset249'));
    await until('their words are joined', () => find('sun set123')[0] === 523);
  });

  it('ranks a book higher once readers want it', async () => {
    await publish(added(1, 'Night One', 1, 3), added(2, 'Night Two', 1, 2));
    await open();
    await until('both books are found', () => finds('night one') && finds('night two'));
    assert.deepEqual(find('night'), [1, 2]);
    await log.append([readerActionRecord(topics.actions, source, 'reader', { action: 'wanted', book_id: 2 })]);
    await until('the wanted book comes first', () => find('night')[0] === 2);
  });

  it('goes on after a record that is no book', async () => {
    await publish(added(1, 'Before'));
    const key = Buffer.from('7');
    await log.append([{ topic: topics.changes, key, value: Buffer.from('not json'), headers: [] }]);
    await publish(added(2, 'After'));
    await open();
    await until('all is read', () => finds('before') && finds('after') && index!.freshness().lagEvents === 0);
  });

  it('continues where it stopped, without waiting for the lease of a process that is gone', async () => {
    await publish(added(1, 'Silent Spring'));
    await open();
    await until('the book is found', () => finds('silent') && index!.freshness().lagEvents === 0);
    await index!.close();
    const database = new DatabaseSync(indexPath());
    database.exec(`UPDATE lease SET instance = 'gone', leased_until_ms = ${Date.now() + dayMs}`);
    database.close();
    await publish(added(2, 'Loud Autumn'));
    await open();
    assert.deepEqual(find('silent'), [1]);
    await until('the new book is found', () => finds('autumn'));
    assert.deepEqual(
      said.filter((line) => line.includes('built again')),
      [],
    );
  });

  const survives = async (harm: (path: string) => void): Promise<void> => {
    await publish(...Array.from({ length: 300 }, (_, at) => added(at + 1, `Silent Spring ${at}`)));
    await open();
    await until('all books are found', () => finds('299') && index!.freshness().lagEvents === 0);
    await index!.close();
    harm(indexPath());
    await open();
    await until(
      'all books are found again',
      () => finds('spring 299') && index!.problems().length === 0 && index!.freshness().lagEvents === 0,
    );
    assert.equal(index!.search({ text: 'silent', offset: 0, limit: 1 }).total, 300);
    assert.equal(said.filter((line) => line.includes('built again')).length, 1);
  };
  const sql = (statement: string) => (path: string) => {
    const database = new DatabaseSync(path);
    database.exec(statement);
    database.close();
  };

  it('is built again from the log when its file is truncated', () =>
    survives((path) => truncateSync(path, statSync(path).size >> 1)));

  it('is built again from the log when its file is no database', () =>
    survives((path) => writeFileSync(path, 'x'.repeat(9_000))));

  it('is built again from the log when its pages are damaged', () => survives(overwritePages));

  it('is built again from the log when another version wrote it', () =>
    survives(sql('UPDATE projection SET version = version + 1')));

  it('is built again from the log when a newer schema wrote it', () => survives(sql('PRAGMA user_version = 99')));

  it('is built again from the log when it was last written more than 30 days ago', () =>
    survives(sql(`UPDATE last_commit SET ms = ms - 31 * 86400000`)));

  it('is built again when damage shows while it runs, and refuses searches only meanwhile', async () => {
    await publish(...Array.from({ length: 300 }, (_, at) => added(at + 1, `Silent Spring ${at}`)));
    await open();
    await until('all books are found', () => finds('299') && index!.freshness().lagEvents === 0);
    await index!.close();
    await open();
    overwritePages(indexPath());
    assert.throws(() => find('silent'), { code: 'store-unavailable', retryable: true });
    assert.throws(() => index!.suggest('silent'), { code: 'store-unavailable' });
    await until(
      'all books are found again',
      () => finds('299') && index!.problems().length === 0 && index!.freshness().lagEvents === 0,
    );
    assert.equal(index!.search({ text: 'silent', offset: 0, limit: 1 }).total, 300);
  });

  it('says so when no file can be kept at its path', async () => {
    await assert.rejects(
      openSearchIndex({
        path: join(folder, 'missing', 'search-index.sqlite'),
        log: logAt(folder),
        logger: pino({ level: 'silent' }),
      }),
      { code: 'data-folder-unusable' },
    );
  });

  it('refuses changes once it is closed', async () => {
    const { close, applyAtOnce } = await open();
    await close();
    await assert.rejects(applyAtOnce(added(1, 'Late')), { code: 'store-unavailable' });
    await close();
  });
});

/** Garbage over every page but the first, which holds the schema. */
function overwritePages(path: string): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(statSync(path).size - 4096, 0xee), 0, undefined, 4096);
  closeSync(file);
}
