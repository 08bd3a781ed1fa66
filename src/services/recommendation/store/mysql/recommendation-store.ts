import type { MysqlAddress } from '../../../../mysql/connection.ts';
import { openMysql, type MysqlOptions } from '../../../../mysql/database.ts';
import type { Migrations } from '../../../../mysql/migrations.ts';
import { createMysqlProgress, progressMigrations } from '../../../../progress/mysql/progress.ts';
import { forgetOldTaste } from './forget-old-taste.ts';
import { keepBooks, keepTaste } from './keep-taste.ts';
import { readBooksSince, readPopularBooks, readTaste, readTogether } from './read-taste.ts';
import type { TasteChange } from '../../recommendation-projection.ts';
import type { RecommendationStore } from '../recommendation-store.ts';

const tasteMigrations: Migrations = { name: 'recommendation', folder: new URL('migrations/', import.meta.url) };

/**
 * What is known of readers in a MySQL or MariaDB database, shared by all instances.
 * @throws SamsaError as `openMysql` does.
 */
export async function openMysqlRecommendationStore(
  address: MysqlAddress,
  { onProblem }: Pick<MysqlOptions, 'onProblem'> = {},
): Promise<RecommendationStore> {
  const database = await openMysql(address, { migrations: [progressMigrations, tasteMigrations], onProblem });
  const progress = createMysqlProgress<readonly TasteChange[]>(database, async (batches, context) => {
    const { connection, watermarkMs } = context;
    const changes = batches.flat();
    await keepTaste(connection, changes);
    await forgetOldTaste(connection, watermarkMs);
    const books = changes.filter((change) => change.kind === 'book');
    await keepBooks(
      connection,
      books.map(({ change }) => change),
    );
  });
  return {
    ...progress,
    taste: (reader) => database.read((connection) => readTaste(connection, reader)),
    popularBooks: (limit) => database.connected((connection) => readPopularBooks(connection, limit)),
    readTogether: (bookId, limit) => database.connected((connection) => readTogether(connection, bookId, limit)),
    booksSince: (changeNumber, limit) =>
      database.connected((connection) => readBooksSince(connection, changeNumber, limit)),
    close: database.close,
  };
}
