import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { Config } from '../config/config.ts';
import { lockDataFolder, openDataFolder } from './data-folder.ts';
import { shareLogSignal } from '../log/open-log.ts';
import type { CommandContext, ServiceName } from './command-context.ts';
import { descriptorNotice, openModeNotice, requireOwnPorts, requireSharedSecret } from './serve/exposure.ts';
import type { RunningService } from './serve/service-base.ts';
import type { RemoteUrls } from './serve/start-web.ts';
import { startConsumersThread } from './serve/consumers-thread-link.ts';
import { shopFiles } from './state/shop-locations.ts';

/** Where Linux tells a process its limits. */
const limitsFile = '/proc/self/limits';

/** Runs one service, or the whole shop, until a signal stops it. */
export async function serveCommand(name: ServiceName, { config, print, warn }: CommandContext): Promise<number> {
  openDataFolder(config.data);
  if (existsSync(limitsFile)) for (const line of descriptorNotice(readFileSync(limitsFile, 'utf8'))) warn(line);
  return runUntilStopped(async () => {
    const service = await withSmallHeaps(() => start(name, config, print, warn));
    for (const line of openModeNotice(config)) print(line);
    return service;
  }, warn);
}

/**
 * Makes V8 grow the heaps of all threads in small steps while something starts: a shop at rest then holds 26 MB less.
 * Afterwards speed comes first, since searching takes twice as long in small heaps. Decision 040.
 */
async function withSmallHeaps<Started>(start: () => Promise<Started>): Promise<Started> {
  setFlagsFromString('--optimize-for-size');
  try {
    return await start();
  } finally {
    setFlagsFromString('--no-optimize-for-size');
  }
}

type Say = (line: string) => void;

async function start(name: ServiceName, config: Config, print: Say, warn: Say): Promise<RunningService> {
  requireSharedSecret(name, config);
  switch (name) {
    case 'all':
      requireOwnPorts(config);
      return startAll(config, print, warn);
    case 'web': {
      const service = await locked(config, 'samsa web', () => startWeb(config, Promise.resolve(config.remote)));
      print(`web             ${service.url}`);
      return service;
    }
    case 'trend': {
      const service = await (await import('./serve/start-consumer.ts')).startTrend(config);
      print(`trend           ${service.url}/trends`);
      return service;
    }
    case 'recommendation': {
      const service = await (await import('./serve/start-consumer.ts')).startRecommendation(config);
      print(`recommendation  ${service.url}/recommendations?uid=…`);
      return service;
    }
  }
}

/** Web on this thread, both consumers together on another one. All load at the same time. */
async function startAll(config: Config, print: Say, warn: Say): Promise<RunningService> {
  shareLogSignal();
  return locked(config, 'samsa all', async () => {
    const { trend, recommendation } = shopFiles(config);
    if (existsSync(trend) || existsSync(recommendation)) {
      const { replaceOutdatedStates } = await import('./state/replace-outdated.ts');
      await replaceOutdatedStates(config, (line) => warn(`samsa: ${line}`));
    }
    const becamePublic = new Int32Array(new SharedArrayBuffer(4));
    const starting = startConsumersThread({ config, becamePublic });
    starting.catch(() => {}); // Awaited below, once the shop has opened its own stores.
    try {
      const web = await startWeb(config, starting, becamePublic);
      const consumers = await starting;
      print(`the bookshop    ${web.url}`);
      print(`trend           ${consumers.trendUrl}/trends`);
      print(`recommendation  ${consumers.recommendationUrl}/recommendations?uid=…`);
      return {
        url: web.url,
        failed: consumers.failed,
        close: async () => {
          await Promise.all([web.close(), consumers.close()]);
        },
      };
    } catch (error) {
      await starting.then(({ close }) => close()).catch(() => {});
      throw error;
    }
  });
}

async function startWeb(
  config: Config,
  remote: Promise<RemoteUrls>,
  becamePublic?: Int32Array,
): Promise<RunningService> {
  return (await import('./serve/start-web.ts')).startWeb(config, remote, becamePublic);
}

/** One web service per data folder: the lock is held for as long as it runs. */
async function locked(config: Config, command: string, run: () => Promise<RunningService>): Promise<RunningService> {
  const lock = lockDataFolder(config.data, 'web', { command, clock: Date.now });
  try {
    const service = await run();
    return { ...service, close: () => service.close().finally(() => lock.release()) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Docker kills a container after ten. */
const stopWithinMs = 9_000;
/** A start that lasts longer waits for something, such as a broker. It has answered nothing yet. */
const startWithinMs = 3_000;
const sameKeypressMs = 300;

/**
 * Starts a service, runs it until SIGTERM or SIGINT, then closes it. A second signal, or nine seconds without success,
 * ends the process. A signal during the start takes effect after it, at most three seconds later.
 * @returns the exit code: 0 after a clean stop, 1 when the service failed or did not stop in time.
 */
export async function runUntilStopped(start: () => Promise<RunningService>, say: Say): Promise<number> {
  const stopped = firstSignal();
  const isStarted = new AbortController();
  const tooLong = stopped.then(() => delay(startWithinMs, null, { signal: isStarted.signal })).catch(() => null);
  const service = await Promise.race([start(), tooLong]).finally(() => isStarted.abort());
  if (service === null) {
    say('samsa: stopped while it was starting');
    process.exit(0);
  }
  const failure = await Promise.race([stopped, ...(service.failed === undefined ? [] : [service.failed])]);
  say(failure instanceof Error ? `samsa: ${failure.message}` : 'samsa: stopping');
  const timeout = new AbortController();
  const spentMs = failure instanceof Error ? 0 : performance.now() - failure;
  const late = delay(stopWithinMs - spentMs, 'late' as const, { signal: timeout.signal }).catch(() => 'late' as const);
  const closed = service.close().then(() => 'closed' as const);
  const outcome = await Promise.race(failure instanceof Error ? [closed, late, stopped] : [closed, late]);
  timeout.abort();
  if (outcome === 'late') say(`samsa: did not stop within ${stopWithinMs / 1000} s; what was answered is on disk`);
  // Open handles would keep the process alive.
  if (outcome !== 'closed') process.exit(1);
  return failure instanceof Error ? 1 : 0;
}

/**
 * Resolves at the first SIGTERM or SIGINT, with its time by `performance.now`. A second one ends the process at any
 * time. A SIGINT right after the first signal is the same Ctrl-C: a terminal sends that to every process of its group,
 * and the launcher passes it on.
 */
function firstSignal(): Promise<number> {
  return new Promise((resolve) => {
    let firstMs: number | null = null;
    const take = (signal: NodeJS.Signals): void => {
      const nowMs = performance.now();
      if (firstMs !== null && (signal !== 'SIGINT' || nowMs - firstMs >= sameKeypressMs)) process.exit(1);
      firstMs ??= nowMs;
      resolve(firstMs);
    };
    process.on('SIGTERM', take);
    process.on('SIGINT', take);
  });
}
