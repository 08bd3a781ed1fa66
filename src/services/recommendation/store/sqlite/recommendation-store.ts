import { openSqlite, runSteps } from '../../../../sqlite/connection.ts';
import type { Migrations } from '../../../../sqlite/migrations.ts';
import { storeError } from '../../../../sqlite/errors.ts';
import { createSqliteProgress, progressMigrations } from '../../../../progress/sqlite/progress.ts';
import type { Steps } from '../../../../sql/statements.ts';
import type { TasteChange } from '../../recommendation-projection.ts';
import { applyTaste } from '../apply-taste.ts';
import { tasteReads } from '../read-taste.ts';
import { renewOldBooks } from '../renew-books.ts';
import type { BookRenewal, RecommendationStore } from '../recommendation-store.ts';

const tasteMigrations: Migrations = { name: 'recommendation', steps: new URL('migrations/', import.meta.url) };
const countedTogether = ['progress', 'recommendation', 'recommendation', 'progress', 'recommendation'];

/** Rows are ordered by reader, so every commit reads and changes pages all over the file. */
const cacheKiB = 16_384;

export type SqliteRecommendationOptions = {
  readonly clock: () => number;
  readonly busyTimeoutMs: number;
  readonly checkpointedElsewhere?: boolean;
  readonly books?: BookRenewal;
};

/** @throws SamsaError `state-too-new`, `data-folder-unusable`, `store-unavailable` (retryable). */
export function openSqliteRecommendationStore(path: string, options: SqliteRecommendationOptions): RecommendationStore {
  const { clock, busyTimeoutMs, checkpointedElsewhere = false, books } = options;
  const migrations = [progressMigrations, tasteMigrations];
  const database = openSqlite(path, { migrations, countedTogether, busyTimeoutMs, cacheKiB, checkpointedElsewhere });
  if (books !== undefined && database.transaction(() => runSteps(database, renewOldBooks(books.topic, clock())))) {
    books.onRenewal();
  }
  const progress = createSqliteProgress<readonly TasteChange[]>(database, clock, (batches, watermarkMs) => {
    runSteps(database, applyTaste(batches.flat(), { watermarkMs, nowMs: clock() }, null));
  });
  const read = async <Result>(steps: () => Steps<Result>): Promise<Result> => {
    try {
      return runSteps(database, steps());
    } catch (error) {
      throw storeError(path, error);
    }
  };
  return { ...progress, ...tasteReads(read, read), close: async () => database.close() };
}
