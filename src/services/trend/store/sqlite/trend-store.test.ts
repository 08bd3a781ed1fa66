import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { countIn, noonMs, searchOf } from '../../../../../test/support/count-searches.ts';
import { trendStoreContract } from '../trend-store.contract.ts';
import type { TrendStoreUnderTest } from '../trend-store-under-test.contract.ts';
import { openSqliteTrendStore } from './trend-store.ts';

async function openInNewFolder(): Promise<TrendStoreUnderTest & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'samsa-trend-'));
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
      await rm(folder, { recursive: true });
    },
  };
}

trendStoreContract('SQLite', openInNewFolder);

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
    const [emma, ...others] = (await store.totals(0)).totals;
    assert.deepEqual(
      [emma?.key, emma?.readers, emma?.searches, others.length],
      ['emma', rounds + 2, threads.length * rounds * 3, 0],
    );
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

  it('takes spellings that are the key out of a file that still counts them', async () => {
    const { path, store, another, close } = await openInNewFolder();
    const [count] = await countIn(store);
    await count!([searchOf('emma', 'ann'), { ...searchOf('emma', 'bob'), label: 'Emma' }]);
    const old = new DatabaseSync(path);
    old.exec(
      "INSERT INTO spelling SELECT day, query, 'emma', 1 FROM spelling; UPDATE schema_version SET version = 1 WHERE name = 'trend'",
    );
    await another();
    const labels = old.prepare('SELECT label FROM spelling').all();
    assert.deepEqual(
      labels.map((row) => row['label']),
      ['Emma'],
    );
    old.close();
    await close();
  });
});
