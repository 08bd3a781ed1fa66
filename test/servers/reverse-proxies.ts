import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-ports.ts';
import { run } from './database-server.ts';
import { until } from '../support/until.ts';

type ReverseProxy = {
  /** http://127.0.0.1:port */
  readonly url: string;
  readonly stop: () => Promise<void>;
};

/**
 * Starts an nginx with one server. Installs Debian's package if it is missing.
 * @param location the content of its `server` block besides `listen`.
 */
export async function startNginx(location: string): Promise<ReverseProxy> {
  return startProxy('nginx', '/usr/sbin/nginx', async (folder, port) => {
    for (const name of ['logs', 'body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'nginx.conf'), nginxSettings(port, location));
    return ['-p', folder, '-c', 'nginx.conf', '-e', 'logs/error.log', '-g', 'daemon off;'];
  });
}

/**
 * Starts a Caddy with one site, for any host. Installs Debian's package if it is missing.
 * @param site the content of its site block.
 */
export async function startCaddy(site: string): Promise<ReverseProxy> {
  return startProxy('caddy', '/usr/bin/caddy', async (folder, port) => {
    const file = join(folder, 'Caddyfile');
    const quiet = 'admin off\n  log {\n    level ERROR\n  }';
    await writeFile(file, `{\n  ${quiet}\n}\nhttp://:${port} {\n  bind 127.0.0.1\n  ${site}\n}\n`);
    return ['run', '--adapter', 'caddyfile', '--config', file];
  });
}

async function startProxy(
  debianPackage: string,
  program: string,
  prepare: (folder: string, port: number) => Promise<readonly string[]>,
): Promise<ReverseProxy> {
  await installIfMissing(debianPackage, program);
  const folder = await mkdtemp(join(tmpdir(), `samsa-${debianPackage}-`));
  const port = await freePort();
  const server = spawn(program, await prepare(folder, port), {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
  });
  await until(`${debianPackage} listens`, () => canConnect(port), 30_000);
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

function nginxSettings(port: number, location: string): string {
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

async function installIfMissing(debianPackage: string, program: string): Promise<void> {
  if (existsSync(program)) return;
  if (process.getuid?.() !== 0) throw new Error(`${program}: not found. Install ${debianPackage} first.`);
  await run('apt-get', ['update', '-qq']);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage]);
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
