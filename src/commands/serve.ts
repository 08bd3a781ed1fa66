import type { Config } from '../config.ts';
import { lockDataFolder, openDataFolder } from '../data-folder.ts';
import { SamsaError } from '../errors.ts';
import { shareLogBell } from '../log/open-log.ts';
import type { CommandContext, ServiceName } from '../main.ts';
import { runUntilStopped, type RunningService } from './running-service.ts';
import { startThread } from './start-thread.ts';

/** Runs one service, or the whole shop, until it is told to stop. */
export async function serveCommand(name: ServiceName, { config, print, warn }: CommandContext): Promise<number> {
  refuseWhatIsNotBuiltYet(config);
  openDataFolder(config.data);
  const service = await start(name, config, print);
  return runUntilStopped(service, warn);
}

/** Better a clear word at the start than a shop that silently keeps everything on this machine. */
function refuseWhatIsNotBuiltYet(config: Config): void {
  const key = config.mq.brokers.length > 0 ? 'mq.brokers' : config.db.kind === 'mysql' ? 'db.dsn' : null;
  if (key === null) return;
  throw new SamsaError(
    'bad-configuration',
    `${key}: this version keeps events and books in SQLite on this machine only. Leave ${key} out to run embedded.`,
  );
}

async function start(name: ServiceName, config: Config, print: (line: string) => void): Promise<RunningService> {
  switch (name) {
    case 'all':
      return startAll(config, print);
    case 'web': {
      const service = await locked(config, 'samsa web', () => startWeb(config, config.remote));
      print(`web             ${service.url}`);
      return service;
    }
    case 'trend': {
      const service = await (await import('./start-trend.ts')).startTrend(config);
      print(`trend           ${service.url}/trends`);
      return service;
    }
    case 'recommendation': {
      const service = await (await import('./start-recommendation.ts')).startRecommendation(config);
      print(`recommendation  ${service.url}/recommendations?uid=…`);
      return service;
    }
  }
}

/** Web on this thread, each consumer on a thread of its own; all three load at the same time. */
async function startAll(config: Config, print: (line: string) => void): Promise<RunningService> {
  shareLogBell();
  const service = await locked(config, 'samsa all', async () => {
    const consumers = await startTogether([
      startThread('trend', config),
      startThread('recommendation', config),
      loadWeb(),
    ]);
    const [trend, recommendation] = consumers;
    try {
      const web = await startWeb(config, { trendUrl: trend.url, recommendationUrl: recommendation.url });
      print(`the bookshop    ${web.url}`);
      print(`trend           ${trend.url}/trends`);
      print(`recommendation  ${recommendation.url}/recommendations?uid=…`);
      return {
        url: web.url,
        failed: Promise.race([web.failed, trend.failed, recommendation.failed]),
        close: async () => {
          await web.close();
          await Promise.all([trend.close(), recommendation.close()]);
        },
      };
    } catch (error) {
      await Promise.all([trend.close(), recommendation.close()]);
      throw error;
    }
  });
  return service;
}

/** Waits for both consumers; when one cannot start, stops the other before saying so. */
async function startTogether(
  starting: readonly [Promise<RunningService>, Promise<RunningService>, Promise<unknown>],
): Promise<readonly [RunningService, RunningService]> {
  const [trend, recommendation] = await Promise.allSettled(starting);
  if (trend.status === 'fulfilled' && recommendation.status === 'fulfilled') return [trend.value, recommendation.value];
  for (const started of [trend, recommendation]) if (started.status === 'fulfilled') await started.value.close();
  throw trend.status === 'rejected' ? trend.reason : (recommendation as PromiseRejectedResult).reason;
}

const loadWeb = () => import('./start-web.ts');

async function startWeb(config: Config, remote: { trendUrl: string; recommendationUrl: string }) {
  return (await loadWeb()).startWeb(config, remote);
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
