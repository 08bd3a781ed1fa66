import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../../../../test/support/temporary-folder.ts';
import { openSqlite } from '../../../../../sqlite/connection.ts';
import { catalogueMigrations } from './book-rows.ts';
import { emptyContent } from '../../stored-book.ts';
import { catalogueContract, type CatalogueUnderTest } from '../catalogue.contract.ts';
import { openSqliteCatalogue } from './catalogue.ts';

async function openInNewFolder(): Promise<CatalogueUnderTest & { path: string }> {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'catalogue.sqlite');
  let nowMs = Date.parse('2026-01-02T03:04:05.678Z');
  const another = async () => openSqliteCatalogue(path, { clock: () => nowMs, busyTimeoutMs: 10 });
  const open = await another();
  return {
    path,
    open,
    another,
    passMs: (ms) => void (nowMs += ms),
    close: async () => {
      await open.close();
    },
  };
}

catalogueContract('SQLite', openInNewFolder);

describe('the SQLite catalogue', () => {
  it('waits for another connection that writes, without blocking the thread', async () => {
    const { path, open, close } = await openInNewFolder();
    const other = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs: 10 });
    other.prepare('BEGIN IMMEDIATE').run();
    const adding = open.catalogue.add({ ...emptyContent, title: 'Emma' });
    assert.equal(await open.catalogue.get(1), null);
    other.prepare('COMMIT').run();
    assert.equal((await adding).bookId, 1);
    other.close();
    await close();
  });

  it('brings the title keys of an older file up to date before it imports, also after it was stopped', async () => {
    const { path, open, close } = await openInNewFolder();
    await using older = openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 10 });
    const books = Array.from({ length: 2_500 }, (_, at) => ({ sourceId: `${at}`, fields: { title: `Book ${at}` } }));
    await older.catalogue.startImport('s').merge(books);
    const database = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs: 10 });
    database.prepare("UPDATE book SET title_key = 'outdated ' || id WHERE id > 1000").run();
    database.prepare('UPDATE title_keys SET version = 1, next_id = 1001').run();
    database.close();
    const again = books.map(({ fields }) => ({ sourceId: null, fields }));
    const merged = await open.catalogue.startImport('t').merge(again);
    assert.deepEqual(new Set(merged.map(({ outcome }) => outcome)), new Set(['unchanged']));
    await close();
  });
});
