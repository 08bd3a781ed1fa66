import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program this benchmark started, and stops. */
export type Child = { readonly url: string; readonly pid: number; readonly stop: () => Promise<void> };

const startsWithinMs = 60_000;

/** Starts a Node program and waits for the first URL it prints. */
export async function startChild(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await Promise.race([firstUrl(child), failure(child, args)]);
  return {
    url,
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function firstUrl(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /https?:\/\/[^\s]+/.exec(line)?.[0];
    if (url === undefined) continue;
    child.stdout!.resume();
    return url.replace(/\/$/, '');
  }
  return new Promise(() => {});
}

async function failure(child: ChildProcess, args: readonly string[]): Promise<never> {
  const timer = setTimeout(() => child.kill('SIGKILL'), startsWithinMs);
  timer.unref();
  const [code, signal] = await once(child, 'exit');
  throw new Error(`${args.join(' ')} ended with ${code ?? signal} before it listened`);
}
