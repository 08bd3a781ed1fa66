import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-ports.ts';
import { run, runDatabaseServer, type DatabaseServer } from './database-server.ts';

const serverProgram = 'mariadbd';
const installProgram = 'mariadb-install-db';
/** In Debian's package of the client; the one above needs it. */
const settingsProgram = 'my_print_defaults';
const isRoot = process.getuid?.() === 0;

/**
 * Starts a new, empty server. Installs Debian's package if it is missing.
 * @param settings further options of the server.
 * @param within the folder to make its data folder in.
 * @throws Error with what the server printed when it does not answer.
 */
export async function startMariaDb(settings: readonly string[] = [], within = tmpdir()): Promise<DatabaseServer> {
  await installIfMissing();
  const folder = await mkdtemp(join(within, 'samsa-mariadb-'));
  const port = await freePort();
  const asRoot = isRoot ? ['--user=root'] : [];
  await run(programPath(installProgram)!, [
    '--no-defaults',
    `--datadir=${join(folder, 'data')}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...asRoot,
  ]);
  const args = [
    '--no-defaults',
    `--datadir=${join(folder, 'data')}`,
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--innodb-buffer-pool-size=64M',
    ...settings,
    ...asRoot,
  ];
  return runDatabaseServer({ name: 'MariaDB', program: programPath(serverProgram)!, args, folder, port });
}

/** These Debian packages hold only the programs; they start no system service. */
async function installIfMissing(): Promise<void> {
  const missing = [serverProgram, installProgram, settingsProgram].filter((name) => programPath(name) === null);
  if (missing.length === 0) return;
  const packages = ['mariadb-server-core', 'mariadb-client-core'];
  if (!isRoot) throw new Error(`${missing.join(', ')}: not found. Install ${packages.join(' and ')} first.`);
  await run('apt-get', ['update', '-qq']);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

function programPath(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}
