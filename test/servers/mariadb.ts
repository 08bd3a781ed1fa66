import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { until } from '../support/until.ts';

/** An empty database of a test server: its parts, and as `db.dsn`. */
export type TestDatabase = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly dsn: string;
};

/** A MariaDB for tests, with a private data folder and a free loopback port. `stop` removes it. */
export type MariaDb = {
  readonly createDatabase: () => Promise<TestDatabase>;
  /** Runs one statement as root, for what only an operator does. */
  readonly ask: (sql: string) => Promise<unknown>;
  /** SIGKILL, as in a power cut. `restart` starts it again on the same data. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers, until `thaw`. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Starts it again on the same port; stops it cleanly first if it runs. */
  readonly restart: () => Promise<void>;
  /** Ends it and removes its data. */
  readonly stop: () => Promise<void>;
};

const serverProgram = 'mariadbd';
const installProgram = 'mariadb-install-db';
/** From Debian's client package; `mariadb-install-db` runs it. */
const settingsProgram = 'my_print_defaults';
const readyWithinMs = 60_000;
const isRoot = process.getuid?.() === 0;

/**
 * Starts a new, empty server. Installs Debian's package if it is missing.
 * @param settings further options of the server.
 * @throws Error with what the server printed when it does not answer a query within a minute.
 */
export async function startMariaDb(settings: readonly string[] = []): Promise<MariaDb> {
  await installIfMissing();
  const folder = await mkdtemp(join(tmpdir(), 'samsa-mariadb-'));
  const port = await freePort();
  const address = { host: '127.0.0.1', port, user: 'root', password: '' };
  await makeDataFolder(folder);
  let server = await startServer(folder, port, settings);
  let databases = 0;

  const ask = async (sql: string): Promise<unknown> => {
    const connection = await createConnection(address);
    try {
      const [result] = await connection.query(sql);
      return result;
    } finally {
      await connection.end();
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (hasEnded(server)) return;
    const closed = once(server, 'close');
    server.kill('SIGCONT');
    server.kill(signal);
    await closed;
  };

  return {
    createDatabase: async () => {
      const database = `samsa_${++databases}`;
      await ask(`CREATE DATABASE ${database}`);
      return { ...address, database, dsn: `mysql://root@127.0.0.1:${port}/${database}` };
    },
    ask,
    kill: () => end('SIGKILL'),
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
    restart: async () => {
      await end('SIGTERM');
      server = await startServer(folder, port, settings);
    },
    stop: async () => {
      await end('SIGTERM');
      await rm(folder, { recursive: true });
    },
  };
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

async function makeDataFolder(folder: string): Promise<void> {
  await run(programPath(installProgram)!, [
    '--no-defaults',
    `--datadir=${join(folder, 'data')}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...(isRoot ? ['--user=root'] : []),
  ]);
}

async function startServer(folder: string, port: number, settings: readonly string[]): Promise<ChildProcess> {
  const server = spawn(
    programPath(serverProgram)!,
    [
      '--no-defaults',
      `--datadir=${join(folder, 'data')}`,
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--innodb-buffer-pool-size=64M',
      ...settings,
      ...(isRoot ? ['--user=root'] : []),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let printed = '';
  server.stderr.on('data', (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-10_000);
  });
  const endWithUs = (): unknown => server.kill('SIGKILL');
  process.once('exit', endWithUs);
  server.once('exit', () => process.off('exit', endWithUs));
  await until('MariaDB answers a query', () => answers(server, port), readyWithinMs).catch((error: unknown) => {
    server.kill('SIGKILL');
    throw new Error(`MariaDB did not start:\n${printed}`, { cause: error });
  });
  return server;
}

async function answers(server: ChildProcess, port: number): Promise<boolean> {
  if (hasEnded(server)) throw new Error('the server has ended');
  try {
    const connection = await createConnection({ host: '127.0.0.1', port, user: 'root', connectTimeout: 2_000 });
    await connection.query('SELECT 1');
    await connection.end();
    return true;
  } catch {
    return false;
  }
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return address.port;
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-10_000);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${printed}`);
}
