import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tasteState } from '../../../../../test/support/taste-state.ts';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { tasteIsOrderFree } from '../order-free.contract.ts';
import { openSqliteRecommendationStore } from './recommendation-store.ts';

tasteIsOrderFree('SQLite', { runs: 150 }, async () => {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'taste.sqlite');
  return {
    open: async () => openSqliteRecommendationStore(path, { clock: () => 0, busyTimeoutMs: 1_000 }),
    state: async () => tasteState(path),
    remove: () => rm(folder, { recursive: true }),
  };
});
