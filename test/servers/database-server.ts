import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createConnection } from 'mysql2/promise';
import { until } from '../support/until.ts';

/** An empty database of a test server, as a place and as `db.dsn`. */
export type TestDatabase = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly dsn: string;
};

/** A server of our own that speaks MySQL: private data folder, free port on the loopback, gone with `stop`. */
export type DatabaseServer = {
  readonly createDatabase: () => Promise<TestDatabase>;
  /** Runs one statement as root, for what only an operator does. */
  readonly ask: (sql: string) => Promise<unknown>;
  /** As a power cut for the server: SIGKILL. `restart` brings it back with its data. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers, until `thaw`. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Starts it again on the same port, ending it properly first when it runs. */
  readonly restart: () => Promise<void>;
  /** Ends it and removes its data. */
  readonly stop: () => Promise<void>;
};

type ServerProgram = {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Removed by `stop`. */
  readonly folder: string;
  readonly port: number;
};

const readyWithinMs = 120_000;
const stoppedWithinMs = 5_000;

/** @throws Error with what the server printed when it does not answer a query within two minutes. */
export async function runDatabaseServer(settings: ServerProgram): Promise<DatabaseServer> {
  const { port, folder } = settings;
  const address = { host: '127.0.0.1', port, user: 'root', password: '' };
  let server = await startServer(settings);
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
    freeze: () => stopAllThreads(server),
    thaw: () => server.kill('SIGCONT'),
    restart: async () => {
      await end('SIGTERM');
      server = await startServer(settings);
    },
    stop: async () => {
      await end('SIGTERM');
      await rm(folder, { recursive: true });
    },
  };
}

/** The threads of a process stop one after another; until the last one has stopped, it may go on answering. */
function stopAllThreads(server: ChildProcess): void {
  server.kill('SIGSTOP');
  const threads = `/proc/${server.pid}/task`;
  if (!existsSync(threads)) return;
  const isStopped = (thread: string): boolean =>
    /^State:\s+T/m.test(readFileSync(`${threads}/${thread}/status`, 'utf8'));
  const deadlineMs = performance.now() + stoppedWithinMs;
  while (!readdirSync(threads).every(isStopped)) {
    if (performance.now() > deadlineMs) throw new Error(`expected the server to stop within ${stoppedWithinMs} ms`);
  }
}

async function startServer({ name, program, args, folder, port }: ServerProgram): Promise<ChildProcess> {
  const server = spawn(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  server.stderr.on('data', (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-10_000);
  });
  const endWithUs = (): unknown => server.kill('SIGKILL');
  process.once('exit', endWithUs);
  server.once('exit', () => process.off('exit', endWithUs));
  await until(`${name} answers a query`, () => answers(server, port), readyWithinMs).catch((error: unknown) => {
    server.kill('SIGKILL');
    throw new Error(`${name} did not start:\n${printed}`, { cause: error });
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

/** @throws Error with what the program printed when it fails. */
export async function run(program: string, args: readonly string[], cwd?: string): Promise<void> {
  const child = spawn(program, args, {
    cwd,
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
