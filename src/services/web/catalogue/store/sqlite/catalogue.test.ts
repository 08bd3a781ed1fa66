import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openSqlite } from '../../../../../sqlite/connection.ts';
import { catalogueMigrations } from './book-rows.ts';
import { catalogueContract, type CatalogueUnderTest } from '../catalogue.contract.ts';
import { openSqliteCatalogue } from './catalogue.ts';

async function openInNewFolder(): Promise<CatalogueUnderTest & { path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'samsa-catalogue-'));
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
      await rm(folder, { recursive: true });
    },
  };
}

catalogueContract('SQLite', openInNewFolder);

describe('the SQLite catalogue', () => {
  it('waits for another connection that writes, without blocking the thread', async () => {
    const { path, open, close } = await openInNewFolder();
    const other = openSqlite(path, { migrations: catalogueMigrations, busyTimeoutMs: 10 });
    other.prepare('BEGIN IMMEDIATE').run();
    const adding = open.catalogue.add({
      title: 'Emma',
      author: 'Jane Austen',
      published_at: '1815',
      description: null,
      isbn: null,
      series: null,
      subjects: [],
      language: 'en',
      popularity: 0,
    });
    assert.equal(await open.catalogue.get(1), null);
    other.prepare('COMMIT').run();
    assert.equal((await adding).bookId, 1);
    other.close();
    await close();
  });
});
