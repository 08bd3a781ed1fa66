import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recommendationStoreContract } from '../recommendation-store.contract.ts';
import { booksAreRenewed } from '../renew-books.contract.ts';
import { openSqliteRecommendationStore } from './recommendation-store.ts';

recommendationStoreContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'samsa-taste-'));
  const path = join(folder, 'recommendation.sqlite');
  const another = async () => openSqliteRecommendationStore(path, { clock: () => 0, busyTimeoutMs: 1_000 });
  const store = await another();
  return {
    store,
    another,
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});

booksAreRenewed('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'samsa-taste-'));
  const path = join(folder, 'recommendation.sqlite');
  return {
    open: async (clock, books) => openSqliteRecommendationStore(path, { clock, books, busyTimeoutMs: 50 }),
    remove: () => rm(folder, { recursive: true }),
  };
});
