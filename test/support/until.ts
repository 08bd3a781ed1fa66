import { setTimeout as delay } from 'node:timers/promises';

/**
 * Resolves as soon as the condition holds; checks it every few milliseconds.
 * @throws Error that names `what` when the condition does not hold in time.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await delay(5);
  }
}
