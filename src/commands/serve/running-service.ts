import { setTimeout as delay } from 'node:timers/promises';

/** A service that listens. */
export type RunningService = {
  readonly url: string;
  /** Resolves with the reason when the service can no longer work. */
  readonly failed: Promise<Error>;
  readonly close: () => Promise<void>;
};

const stopWithinMs = 10_000;
const sameKeypressMs = 300;

/**
 * Starts a service, runs it until SIGTERM or SIGINT, then closes it. A second signal, or ten seconds without success, ends
 * the process. A signal during the start takes effect after it.
 * @returns the exit code: 0 after a clean stop, 1 when the service failed or did not stop in time.
 */
export async function runUntilStopped(
  start: () => Promise<RunningService>,
  say: (line: string) => void,
): Promise<number> {
  const stopped = nextSignal();
  const service = await start();
  const ended = await Promise.race([service.failed, stopped]);
  const failure = typeof ended === 'number' ? null : ended;
  if (failure !== null) say(`samsa: ${failure.message}`);
  else say('samsa: stopping');
  const impatient = nextSignal(typeof ended === 'number' ? ended : null);
  const timeout = new AbortController();
  const late = delay(stopWithinMs, 'late' as const, { signal: timeout.signal }).catch(() => 'late' as const);
  const outcome = await Promise.race([service.close().then(() => 'closed' as const), late, impatient]);
  timeout.abort();
  if (outcome === 'late') say(`samsa: did not stop within ${stopWithinMs / 1000} s; what was answered is on disk`);
  // Open handles would keep the process alive.
  if (outcome !== 'closed') process.exit(1);
  return failure === null ? 0 : 1;
}

/**
 * Resolves at the next SIGTERM or SIGINT.
 * @param since an earlier signal. A SIGINT right after it is the same Ctrl-C: a terminal sends that to every process of
 *   its group, and the launcher passes it on.
 */
function nextSignal(since: number | null = null): Promise<number> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      const nowMs = performance.now();
      if (signal === 'SIGINT' && since !== null && nowMs - since < sameKeypressMs) return;
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve(nowMs);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
