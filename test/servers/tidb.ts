import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { freePort } from '../support/free-ports.ts';
import { run, runDatabaseServer, type DatabaseServer } from './database-server.ts';

const moduleFolder = join(import.meta.dirname, 'tidb');
const program = join(moduleFolder, 'tidb-server');

/**
 * Builds TiDB's server from its Go module: some minutes the first time, seconds later from Go's build cache.
 * @throws Error when there is no Go 1.25 or newer, or the build fails.
 */
async function buildTidb(): Promise<void> {
  await run('go', ['build', '-o', program, 'github.com/pingcap/tidb/cmd/tidb-server'], moduleFolder);
}

/**
 * Starts a new, empty server with embedded storage: one process, no cluster. That storage keeps its locks in memory, and
 * with them what a transaction has written but not yet moved to disk. After a power cut, a transaction that was sent in
 * several pieces may be there in part. So here every transaction is one piece: the tables are not spread over regions,
 * and it is committed in one phase.
 * @throws Error when it was not built, or with what it printed when it does not answer.
 */
export async function startTidb(): Promise<DatabaseServer> {
  if (!existsSync(program)) throw new Error(`${program}: not found. Run npm run test:tidb, which builds it.`);
  const folder = makeTemporaryFolder();
  const config = join(folder, 'config.toml');
  await writeFile(config, 'split-table = false\n');
  const [port, statusPort] = [await freePort(), await freePort()];
  const storage = ['-store', 'unistore', '-path', join(folder, 'data'), '-temp-dir', join(folder, 'temporary')];
  const service = ['-host', '127.0.0.1', '-advertise-address', '127.0.0.1', '-P', String(port), '-socket', ''];
  const status = ['-status-host', '127.0.0.1', '-status', String(statusPort), '-L', 'fatal'];
  const args = ['-config', config, ...storage, ...service, ...status];
  const server = await runDatabaseServer({ name: 'TiDB', program, args, folder, port });
  await server.ask(`SET GLOBAL tidb_enable_1pc = ON, GLOBAL tidb_txn_commit_batch_size = ${1 << 30}`);
  return server;
}

if (import.meta.main) await buildTidb();
