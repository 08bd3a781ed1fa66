import { setTimeout as delay } from 'node:timers/promises';
import { SamsaError } from '../errors.ts';

/** Tries again, 5–50 ms apart, while the store is busy or full; after `patienceMs` the last failure is thrown. */
export async function patiently<Result>(attempt: () => Result, patienceMs: number): Promise<Result> {
  const giveUpAtMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!mayPass(error) || performance.now() > giveUpAtMs) throw error;
      await delay(5 + Math.random() * 45);
    }
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof SamsaError && error.retryable;
}
