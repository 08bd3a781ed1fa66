import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, run, runDatabaseServer, type DatabaseServer } from './database-server.ts';

const moduleFolder = join(import.meta.dirname, 'tidb');
const program = join(moduleFolder, 'tidb-server');

/**
 * Builds TiDB's server from its Go module: some minutes the first time, seconds later from Go's build cache.
 * @throws Error when there is no Go 1.25 or newer, or the build fails.
 */
export async function buildTidb(): Promise<void> {
  await run('go', ['build', '-o', program, 'github.com/pingcap/tidb/cmd/tidb-server'], moduleFolder);
}

/**
 * Starts a new, empty server with embedded storage: one process, no cluster.
 * @throws Error when it was not built, or with what it printed when it does not answer.
 */
export async function startTidb(): Promise<DatabaseServer> {
  if (!existsSync(program)) throw new Error(`${program}: not found. Run npm run test:tidb, which builds it.`);
  const folder = await mkdtemp(join(tmpdir(), 'samsa-tidb-'));
  const [port, statusPort] = [await freePort(), await freePort()];
  const storage = ['-store', 'unistore', '-path', join(folder, 'data'), '-temp-dir', join(folder, 'temporary')];
  const service = ['-host', '127.0.0.1', '-advertise-address', '127.0.0.1', '-P', String(port), '-socket', ''];
  const status = ['-status-host', '127.0.0.1', '-status', String(statusPort), '-L', 'fatal'];
  const args = [...storage, ...service, ...status];
  return runDatabaseServer({ name: 'TiDB', program, args, folder, port });
}

if (import.meta.main) await buildTidb();
