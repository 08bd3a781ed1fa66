import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after so many milliseconds, or as soon as the signal fires. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) await delay(ms);
  else await delay(ms, undefined, { signal }).catch(() => {});
}

/** Resolves with `promise`, or after so many milliseconds. @throws what `promise` throws until then. */
export async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  try {
    await Promise.race([promise, pause(ms, settled.signal)]);
  } finally {
    settled.abort();
  }
}

/** How long to wait between attempts, before jitter. */
export type Backoff = { readonly firstMs: number; readonly mostMs: number };

/**
 * How long to wait after this many failures in a row (the first is 1): `firstMs`, doubled with every further failure up
 * to `mostMs`. Up to a half of it is random, so that those who failed together do not come back together.
 */
export function backoffMs(failures: number, { firstMs, mostMs }: Backoff, random: () => number = Math.random): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + random() * (full / 2);
}
