import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { countIn, noonMs, searchOf } from '../../../../../test/support/count-searches.ts';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { trendStoreContract } from '../trend-store.contract.ts';
import { sumsOf, type TrendStoreUnderTest } from '../trend-store-under-test.contract.ts';
import { openSqliteTrendStore } from './trend-store.ts';

async function openInNewFolder(): Promise<TrendStoreUnderTest & { readonly path: string }> {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'trend.sqlite');
  const open = () => openSqliteTrendStore(path, { clock: () => noonMs, busyTimeoutMs: 1_000 });
  const stores = [open()];
  return {
    path,
    store: stores[0]!,
    another: async () => {
      const store = open();
      stores.push(store);
      return store;
    },
    close: async () => {
      for (const store of stores) await store.close();
    },
  };
}

trendStoreContract('SQLite', openInNewFolder, 12);

describe('the SQLite trend store', () => {
  it('counts right when several threads write the same rows at once', async () => {
    const { path, store, another, close } = await openInNewFolder();
    await countIn(store, await another(), await another());
    const rounds = 100;
    const threads = [0, 1, 2].map(
      (partition) =>
        new Worker(new URL('../../../../../test/support/count-thread.ts', import.meta.url), {
          workerData: { path, partition, rounds },
        }),
    );
    const codes = await Promise.all(threads.map((thread) => once(thread, 'exit')));
    assert.deepEqual(codes.flat(), [0, 0, 0]);
    assert.deepEqual(await sumsOf(store), [['emma', rounds + 2, 0, threads.length * rounds * 3]]);
    await close();
  });

  it('keeps no id of a reader', async () => {
    const { path, store, close } = await openInNewFolder();
    const [count] = await countIn(store);
    await count!([searchOf('emma', 'reader-who-searched')]);
    const files = await Promise.all([readFile(path), readFile(`${path}-wal`)]);
    assert.deepEqual(
      ['emma', 'reader-who-searched'].map((text) => files.some((bytes) => bytes.includes(text))),
      [true, false],
    );
    await close();
  });

  it('keeps the counts of an older file, and takes out spellings that are the key', () => {
    const old = new DatabaseSync(':memory:');
    const folder = new URL('migrations/', import.meta.url);
    const [first, ...later] = readdirSync(folder)
      .toSorted()
      .map((name) => readFileSync(new URL(name, folder), 'utf8'));
    old.exec(`${first}
      INSERT INTO query VALUES (7, 'emma'), (8, 'dune');
      INSERT INTO last_search VALUES (7, 1000);
      INSERT INTO spelling VALUES (20000, 7, 'emma', 2), (20000, 7, 'Emma', 1);
      INSERT INTO distinct_reader VALUES (480000, 7, -5);
      ${later.join('')}`);
    const rows = (sql: string): unknown =>
      old
        .prepare(sql)
        .all()
        .map((row) => Object.values(row));
    assert.deepEqual(rows('SELECT id, query_key FROM query'), [
      [7, 'emma'],
      [8, 'dune'],
    ]);
    assert.deepEqual(rows('SELECT query, time_ms FROM last_search'), [[7, 1_000]]);
    assert.deepEqual(rows('SELECT * FROM hourly_reader'), [[480_000, 7, -5]]);
    assert.deepEqual(rows('SELECT label FROM spelling'), [['Emma']]);
    old.close();
  });
});
