import { setTimeout as delay } from 'node:timers/promises';
import { SamsaError } from '../errors.ts';

/**
 * Tries again, after 250–10,000 ms with jitter, until it is done or stopped. `onProblem` hears of a failure once until
 * another kind of failure comes, and `null` when a failure is over.
 */
export function tryUntilDone(
  attempt: () => Promise<void>,
  onProblem: (problem: SamsaError | null) => void,
): { readonly stop: () => void } {
  const stopping = new AbortController();
  const trying = async (): Promise<void> => {
    let said: string | null = null;
    for (let failures = 1; !stopping.signal.aborted; failures++) {
      try {
        await attempt();
        if (said !== null) onProblem(null);
        return;
      } catch (error) {
        if (!(error instanceof SamsaError)) throw error;
        if (stopping.signal.aborted) return;
        if (error.code !== said) onProblem(error);
        said = error.code;
        await delay(backoffMs(failures), undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  };
  void trying();
  return { stop: () => stopping.abort() };
}

function backoffMs(failures: number): number {
  const full = Math.min(10_000, 250 * 2 ** Math.min(failures, 10));
  return full / 2 + Math.random() * (full / 2);
}
