import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectFolder } from './structure.ts';
import { until } from './until.ts';

export const samsa = join(projectFolder, 'bin/samsa.js');

/** A shop in a separate process, on free ports. */
export type Shop = {
  readonly web: string;
  readonly trend: string;
  readonly recommendation: string;
  readonly process: ChildProcess;
  /** Everything it has printed so far. */
  readonly output: () => string;
  /** Ends it with a signal and resolves with its exit code, `null` when the signal killed it. */
  readonly stop: (signal: NodeJS.Signals) => Promise<number | null>;
};

/** Runs `samsa` with a data folder, free ports, and no other settings in the environment. */
export function spawnSamsa(
  args: readonly string[],
  data: string,
  environment: Readonly<Record<string, string>> = {},
): { readonly process: ChildProcess; readonly output: () => string; readonly ended: Promise<number | null> } {
  const child = spawn(process.execPath, [samsa, ...args], {
    env: {
      PATH: process.env['PATH'],
      SAMSA_DATA: data,
      SAMSA_APP_PORT: '0',
      SAMSA_TREND_PORT: '0',
      SAMSA_RECOMMENDATION_PORT: '0',
      SAMSA_LOG_LEVEL: 'warn',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null);
  return { process: child, output: () => output, ended };
}

/**
 * Waits until a line of the output begins with `name` and an address.
 * @returns the address of each such name.
 * @throws Error when the process ends before, or does not print it in time, which ends it.
 */
export async function untilListens(
  started: ReturnType<typeof spawnSamsa>,
  name: string,
  withinMs?: number,
): Promise<(name: string) => string> {
  let gone = false;
  void started.ended.then(() => {
    gone = true;
  });
  const urlOf = (name: string): string | undefined =>
    new RegExp(`^${name}\\s+(http://[^/\\s]+)`, 'm').exec(started.output())?.[1];
  await until(
    `${name} listens`,
    () => {
      if (gone) throw new Error(`${name} ended instead of listening:\n${started.output()}`);
      return urlOf(name) !== undefined;
    },
    withinMs,
  ).catch((error: unknown) => {
    started.process.kill('SIGKILL');
    throw error;
  });
  return (name) => urlOf(name)!;
}

/** Starts `samsa all` and waits until it listens. Default: 15 s at most. */
export async function startShop(
  data: string,
  environment: Readonly<Record<string, string>> = {},
  withinMs?: number,
): Promise<Shop> {
  const started = spawnSamsa(['all'], data, environment);
  const urlOf = await untilListens(started, 'recommendation', withinMs);
  return {
    web: urlOf('the bookshop'),
    trend: urlOf('trend'),
    recommendation: urlOf('recommendation'),
    process: started.process,
    output: started.output,
    stop: async (signal) => {
      started.process.kill(signal);
      return started.ended;
    },
  };
}
