// Run by `npm ci`: starts the shop once in a temporary folder to fill the compile cache, so that the first real start is
// as fast as later ones. Nothing depends on it, so it never fails.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const deadlineMs = 20_000;
const data = mkdtempSync(join(tmpdir(), 'samsa-warm-up-'));
const shop = spawn(process.execPath, [fileURLToPath(new URL('samsa.js', import.meta.url)), 'all'], {
  stdio: ['ignore', 'pipe', 'ignore'],
  cwd: data,
  env: {
    PATH: process.env.PATH,
    SAMSA_DATA: data,
    SAMSA_APP_PORT: '0',
    SAMSA_TREND_PORT: '0',
    SAMSA_RECOMMENDATION_PORT: '0',
  },
});
const deadline = setTimeout(() => shop.kill('SIGKILL'), deadlineMs);
shop.stdout.once('data', () => shop.kill('SIGTERM'));
shop.on('error', () => {});
shop.on('close', () => {
  clearTimeout(deadline);
  rmSync(data, { recursive: true, force: true });
});
