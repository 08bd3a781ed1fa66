import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noonMs } from '../../../test/support/count-searches.ts';
import { trendStoreContract } from './trend-store.contract.ts';
import { openSqliteTrendStore } from './trend-store.sqlite.ts';

trendStoreContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'samsa-trend-'));
  const open = () => openSqliteTrendStore(join(folder, 'trend.sqlite'), { clock: () => noonMs, busyTimeoutMs: 1_000 });
  const stores = [open()];
  return {
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
});
