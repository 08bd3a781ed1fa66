import { setTimeout as delay } from 'node:timers/promises';
import { SamsaError } from '../errors.ts';

/** Hears of each failure, and of `null` when what failed has succeeded. */
export type HearTrouble = (trouble: SamsaError | null) => void;

/**
 * Tries again, however often it takes, after `backoffMs`.
 * @returns `null` when `signal` fires.
 * @throws whatever is no SamsaError.
 */
export async function keepTrying<Result>(
  attempt: () => Result | Promise<Result>,
  onTrouble: HearTrouble,
  signal: AbortSignal,
): Promise<Result | null> {
  for (let failures = 0; !signal.aborted;) {
    try {
      const result = await attempt();
      if (failures > 0) onTrouble(null);
      return result;
    } catch (error) {
      if (!(error instanceof SamsaError)) throw error;
      onTrouble(error);
      await delay(backoffMs(failures++), undefined, { signal }).catch(() => {});
    }
  }
  return null;
}

/** 50–2,000 ms, doubling, jittered by half. */
function backoffMs(failures: number): number {
  const full = Math.min(2_000, 100 * 2 ** Math.min(failures, 10));
  return full / 2 + Math.random() * (full / 2);
}
