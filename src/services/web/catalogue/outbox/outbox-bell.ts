import { pause } from '../../../../runtime/waiting.ts';

/** Rings when this process has committed a change, for those who wait for one. */
export type OutboxBell = {
  readonly ring: () => void;
  /** How often it has rung. */
  readonly rings: () => number;
  /** Resolves when it rings, after `waitMs`, or when `signal` fires. */
  readonly next: (waitMs: number, signal: AbortSignal) => Promise<void>;
};

/** How often the commits of other processes are looked for while the bell of this one is silent. */
export const pollMs = 100;

export function createOutboxBell(): OutboxBell {
  const waiters = new Set<() => void>();
  let rings = 0;
  return {
    ring: () => {
      rings++;
      for (const waiter of waiters) waiter();
    },
    rings: () => rings,
    next: async (waitMs, signal) => {
      const timeout = new AbortController();
      const { promise: rung, resolve: waiter } = Promise.withResolvers<void>();
      waiters.add(waiter);
      await Promise.race([rung, pause(waitMs, AbortSignal.any([signal, timeout.signal]))]);
      waiters.delete(waiter);
      timeout.abort();
    },
  };
}
