import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, run } from './database-server.ts';
import { until } from '../support/until.ts';

export type Nginx = {
  /** http://127.0.0.1:port */
  readonly url: string;
  readonly stop: () => Promise<void>;
};

const program = '/usr/sbin/nginx';

/**
 * Starts an nginx with one server. Installs Debian's package if it is missing.
 * @param location the content of its `server` block besides `listen`.
 */
export async function startNginx(location: string): Promise<Nginx> {
  await installIfMissing();
  const folder = await mkdtemp(join(tmpdir(), 'samsa-nginx-'));
  const port = await freePort();
  for (const name of ['logs', 'body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'nginx.conf'), settings(port, location));
  const server = spawn(program, ['-p', folder, '-c', 'nginx.conf', '-e', 'logs/error.log', '-g', 'daemon off;'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await until('nginx listens', () => canConnect(port), 30_000);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      const closed = once(server, 'close');
      server.kill('SIGTERM');
      await closed;
      await rm(folder, { recursive: true });
    },
  };
}

function settings(port: number, location: string): string {
  return `
    pid logs/nginx.pid;
    worker_processes 1;
    events { worker_connections 256; }
    http {
      access_log off;
      client_body_temp_path body;
      proxy_temp_path proxy;
      fastcgi_temp_path fastcgi;
      uwsgi_temp_path uwsgi;
      scgi_temp_path scgi;
      server {
        listen 127.0.0.1:${port};
        ${location}
      }
    }
  `;
}

async function installIfMissing(): Promise<void> {
  if (existsSync(program)) return;
  if (process.getuid?.() !== 0) throw new Error(`${program}: not found. Install nginx first.`);
  await run('apt-get', ['update', '-qq']);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'nginx']);
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
