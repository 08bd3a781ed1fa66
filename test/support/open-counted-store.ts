import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openSqliteTrendStore } from '../../src/services/trend/store/sqlite/trend-store.ts';
import type { TrendStore } from '../../src/services/trend/store/trend-store.ts';
import { countIn, noonMs, type Counting } from './count-searches.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** An empty trend store and a way to count in it; both are removed after the test. */
export async function openCountedStore(test: TestContext): Promise<{
  readonly store: TrendStore;
  readonly count: Counting;
  /** A second connection, as another process would open it. */
  readonly another: () => TrendStore;
}> {
  const folder = makeTemporaryFolder();
  const stores: TrendStore[] = [];
  const open = (): TrendStore => {
    const store = openSqliteTrendStore(join(folder, 'trend.sqlite'), { clock: () => noonMs, busyTimeoutMs: 1_000 });
    stores.push(store);
    return store;
  };
  test.after(async () => {
    for (const store of stores) await store.close();
  });
  const store = open();
  const [count] = await countIn(store);
  return { store, count: count!, another: open };
}
