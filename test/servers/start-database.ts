import type { DatabaseServer } from './database-server.ts';
import { startMariaDb } from './mariadb.ts';
import { startTidb } from './tidb.ts';

/** The server that store tests run against: MariaDB, or TiDB in `npm run test:tidb`. */
export function startDatabase(): Promise<DatabaseServer> {
  return process.env['TEST_DATABASE'] === 'tidb' ? startTidb() : startMariaDb();
}
