#!/usr/bin/env node
// Plain JavaScript for Node 18 or later. Samsa itself is TypeScript that Node 26 runs directly. An older Node runs this
// file again with the Node 26 that `npm ci` installed in node_modules.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { useCompileCache } from './compile-cache.js';

const neededMajor = 26;

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  useCompileCache();
  endWithOlderNode();
  try {
    const { main } = await import('../src/main.ts');
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!/too many open files/.test(error?.message)) throw error;
    console.error('samsa: this process may open too few files: raise the limit to 1024 or more (ulimit -n)');
    process.exitCode = 1;
  }
} else {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (existsSync(node)) runWith(node);
  else {
    console.error(`samsa: needs Node ${neededMajor}, this is ${process.version}; run "npm ci", which installs it`);
    process.exitCode = 1;
  }
}

/** Ends this process when the older Node that started it is killed. */
function endWithOlderNode() {
  if (process.channel === undefined) return;
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}

/** Hands signals down and the exit code up, so that nobody notices the process in between. */
function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`samsa: ${node} cannot be started (${error.message}); run "npm ci" again`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
