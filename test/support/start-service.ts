import { spawnSamsa, untilListens } from './start-shop.ts';

/** One service in a separate process, which restarts at the same address. */
export type Service = {
  /** The same after a restart. */
  readonly url: string;
  readonly output: () => string;
  /** Sends SIGKILL and starts another one; resolves when that one listens. */
  readonly replace: () => Promise<void>;
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** SIGTERM. @returns the exit code. */
  readonly stop: () => Promise<number | null>;
  /** SIGKILL. */
  readonly kill: () => Promise<void>;
};

const portVariable = { web: 'SAMSA_APP_PORT', trend: 'SAMSA_TREND_PORT', recommendation: 'SAMSA_RECOMMENDATION_PORT' };
const listensWithinMs = 60_000;

/** Starts `samsa web`, `trend` or `recommendation` on a free port, and waits until it listens. */
export async function startService(
  name: keyof typeof portVariable,
  data: string,
  environment: Readonly<Record<string, string>>,
): Promise<Service> {
  const start = async (port: string) => {
    const started = spawnSamsa([name], data, { ...environment, [portVariable[name]]: port });
    const urlOf = await untilListens(started, name, listensWithinMs);
    return { ...started, url: urlOf(name) };
  };
  let running = await start('0');
  const { url } = running;
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    running.process.kill(signal);
    return running.ended;
  };
  return {
    url,
    output: () => running.output(),
    replace: async () => {
      await end('SIGKILL');
      running = await start(new URL(url).port);
    },
    freeze: () => void running.process.kill('SIGSTOP'),
    thaw: () => void running.process.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
  };
}
