import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program this benchmark started, and stops. */
export type Child = {
  readonly url: string;
  /** All that were requested, `url` first. */
  readonly urls: readonly string[];
  readonly pid: number;
  readonly stop: () => Promise<void>;
};

const startsWithinMs = 60_000;

/** Starts a Node program and waits for the first URLs it prints, one a line. */
export async function startChild(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  count = 1,
): Promise<Child> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const late = setTimeout(() => child.kill('SIGKILL'), startsWithinMs);
  const urls = await Promise.race([firstUrls(child, count), failure(child, args)]).finally(() => clearTimeout(late));
  return {
    url: urls[0]!,
    urls,
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function firstUrls(child: ChildProcess, count: number): Promise<readonly string[]> {
  const urls: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /https?:\/\/[^\s]+/.exec(line)?.[0];
    if (url !== undefined) urls.push(url.replace(/\/$/, ''));
    if (urls.length < count) continue;
    child.stdout!.resume();
    return urls;
  }
  return new Promise(() => {});
}

async function failure(child: ChildProcess, args: readonly string[]): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`${args.join(' ')} ended with ${code ?? signal} before it listened`);
}
