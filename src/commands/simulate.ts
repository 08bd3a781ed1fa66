import { randomInt } from 'node:crypto';
import { localUrl, type Config } from '../config/config.ts';
import { SamsaError } from '../errors.ts';
import { listKnownBooks, simulate, type Simulation, type SimulationTally } from './simulate/simulation.ts';
import { count, type ProgressOutput, type CommandContext } from './command-context.ts';
import { appendHistory, refuseRemoteLog } from './simulate/backdated-week.ts';

export type SimulateOptions = {
  /** In the shop at the same time. */
  readonly readers: number;
  /** Searches per second. */
  readonly rate: number;
  /** In seconds. Default: until stopped. */
  readonly duration?: number;
  /** With the same seed, the same readers make the same searches. Default: another seed each time. */
  readonly seed?: number;
  /** Puts a week of events into the log first. */
  readonly history?: boolean;
  /** A query that every reader searches for in the first minute. */
  readonly burst?: string;
};

/**
 * Sends made-up readers to a shop that runs, until the time is over or SIGINT or SIGTERM comes.
 * @returns the exit code: 0 when at least one search was answered, else 1.
 */
export async function simulateCommand(
  { config, print }: CommandContext,
  { duration, seed = randomInt(2 ** 32), history = false, ...options }: SimulateOptions,
  output: ProgressOutput = process.stderr,
): Promise<number> {
  if (history) refuseRemoteLog(config);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const { signal } = stopping;
  const url = shopUrl(config);
  const shop = { url, operatorToken: config.app.operatorToken, seed, signal };
  const books = await listKnownBooks(shop);
  if (history) {
    const events = await appendHistory(config, { books, seed, readers: options.readers, signal });
    print(`${count(events)} events of the last days are in the log`);
  }
  const timeout = duration === undefined ? undefined : setTimeout(stop, duration * 1_000);
  const stopwatch = (): number => performance.now();
  const startedMs = stopwatch();
  const simulation = simulate({ ...shop, ...options, books, stopwatch });
  const endProgress = showProgress(simulation, output, stopwatch);
  await simulation.ended.finally(() => {
    clearTimeout(timeout);
    endProgress();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  });
  const tally = simulation.tally();
  const tookMs = stopwatch() - startedMs;
  print(`${line(tally, tally.searches, tookMs)} in ${(tookMs / 1_000).toFixed(1)} s, seed ${seed}`);
  return tally.searches > 0 ? 0 : 1;
}

/** On this machine, or at the address that the shop is configured to listen at. */
function shopUrl({ app: { host, port } }: Config): string {
  if (port === 0) {
    throw new SamsaError(
      'bad-configuration',
      'app.port: expected the port of the running shop, got 0, which takes any. Set SAMSA_APP_PORT to the one it printed.',
    );
  }
  return localUrl({ host, port });
}

function showProgress(simulation: Simulation, output: ProgressOutput, stopwatch: () => number): () => void {
  const isTTY = output.isTTY === true;
  let [shown, shownMs] = [0, stopwatch()];
  const show = (): void => {
    const tally = simulation.tally();
    const text = line(tally, tally.searches - shown, stopwatch() - shownMs);
    [shown, shownMs] = [tally.searches, stopwatch()];
    output.write(isTTY ? `\r\u001B[2K${text}` : `${text}\n`);
  };
  const interval = setInterval(show, isTTY ? 1_000 : 10_000);
  return () => {
    clearInterval(interval);
    if (isTTY) output.write('\r\u001B[2K');
  };
}

function line({ searches, actions, failures }: SimulationTally, lately: number, tookMs: number): string {
  const rate = (lately / Math.max(tookMs, 1)) * 1_000;
  return `${count(searches)} searches, ${count(actions)} actions, ${count(failures)} failures, ${rate.toFixed(1)} searches/s`;
}
