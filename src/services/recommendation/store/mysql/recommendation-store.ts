import type { MysqlAddress } from '../../../../mysql/connection.ts';
import { openMysql, type MysqlOptions } from '../../../../mysql/database.ts';
import type { Migrations } from '../../../../mysql/migrations.ts';
import { runSteps } from '../../../../mysql/transaction.ts';
import { createMysqlProgress, progressMigrations } from '../../../../progress/mysql/progress.ts';
import { rows } from '../../../../sql/statements.ts';
import type { TasteChange } from '../../recommendation-projection.ts';
import { applyTaste, type TasteTurns } from '../apply-taste.ts';
import { tasteReads } from '../read-taste.ts';
import { renewOldBooks } from '../renew-books.ts';
import type { BookRenewal, RecommendationStore } from '../recommendation-store.ts';

const tasteMigrations: Migrations = { name: 'recommendation', folder: new URL('migrations/', import.meta.url) };

/** Rows of `turn` that transactions lock. */
const byRowLock: TasteTurns = {
  *keeping(isForgetting) {
    const lock = isForgetting ? 'FOR UPDATE' : 'LOCK IN SHARE MODE';
    yield* rows(`SELECT value FROM state.turn WHERE name = 'forgotten' ${lock}`);
  },
  *forgettingOld() {
    const taken = yield* rows("SELECT 1 FROM state.turn WHERE name = 'old' FOR UPDATE SKIP LOCKED");
    return taken.length > 0;
  },
};

export type MysqlRecommendationOptions = Pick<MysqlOptions, 'onProblem'> & {
  readonly clock: () => number;
  readonly books?: BookRenewal;
};

/**
 * What is known of readers in a MySQL or MariaDB database, shared by all instances.
 * @throws SamsaError as `openMysql` does.
 */
export async function openMysqlRecommendationStore(
  address: MysqlAddress,
  { onProblem, clock, books }: MysqlRecommendationOptions,
): Promise<RecommendationStore> {
  const database = await openMysql(address, { migrations: [progressMigrations, tasteMigrations], onProblem });
  const progress = createMysqlProgress<readonly TasteChange[]>(database, (batches, { connection, watermarkMs }) =>
    runSteps(connection, applyTaste(batches.flat(), { watermarkMs, nowMs: clock() }, byRowLock)),
  );
  const reads = tasteReads(
    (steps) => database.read((connection) => runSteps(connection, steps())),
    (steps) => database.connected((connection) => runSteps(connection, steps())),
  );
  let isRenewalDue = books !== undefined;
  return {
    ...progress,
    ...reads,
    /** The first call of a service. The database may not have answered before it. */
    lease: async (request) => {
      if (isRenewalDue) {
        const renewed = await database.exclusive('books', (connection) =>
          runSteps(connection, renewOldBooks(books!.topic, clock())),
        );
        isRenewalDue = false;
        if (renewed) books!.onRenewal();
      }
      return progress.lease(request);
    },
    close: database.close,
  };
}
