import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { recommendationStoreContract } from '../recommendation-store.contract.ts';
import { booksAreRenewed } from '../renew-books.contract.ts';
import { openSqliteRecommendationStore } from './recommendation-store.ts';

recommendationStoreContract('SQLite', async () => {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'recommendation.sqlite');
  const another = async () => openSqliteRecommendationStore(path, { clock: () => 0, busyTimeoutMs: 1_000 });
  const store = await another();
  return {
    store,
    another,
    close: async () => {
      await store.close();
    },
  };
});

booksAreRenewed('SQLite', async () => {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'recommendation.sqlite');
  return {
    open: async (clock, books) => openSqliteRecommendationStore(path, { clock, books, busyTimeoutMs: 50 }),
    remove: () => rm(folder, { recursive: true }),
  };
});
