import { workerData } from 'node:worker_threads';
import { openSqliteTrendStore } from '../../src/services/trend/store/sqlite/trend-store.ts';
import { countInPartition, noonMs, searchOf } from './count-searches.ts';

/**
 * Counts the same readers of one query as the other threads, on a separate connection, in a partition leased before.
 */
const { path, partition, rounds } = workerData as { path: string; partition: number; rounds: number };
const store = openSqliteTrendStore(path, { clock: () => noonMs, busyTimeoutMs: 10_000 });
const count = await countInPartition(store, `instance ${partition}`, partition);
for (let round = 0; round < rounds; round++) {
  const readers = ['ann', `reader ${round}`, `reader ${round + 1}`];
  if (!(await count(readers.map((reader) => searchOf('emma', reader))))) throw new Error('refused');
}
await store.close();
