import { pause } from '../../../../runtime/waiting.ts';
import type { Outbox } from './outbox.ts';

export type RelayLeaseOptions = {
  readonly outbox: Outbox;
  readonly owner: string;
  readonly leaseMs: number;
  readonly clock: () => number;
  /** Ends renewing, whatever is still under way. */
  readonly signal: AbortSignal;
};

/** The right of one relay to append, as far as the relay can know it. */
export type RelayLease = {
  /** Whether less than half of it is left. */
  readonly isWaning: () => boolean;
  /** Takes or renews it. @returns false while another relay holds it. */
  readonly take: () => Promise<boolean>;
  /**
   * Waits for `work` and goes on renewing meanwhile, so that nobody takes over from a process that lives.
   * @returns whether no other relay can have held it before `work` was done: false after a process was frozen, or the
   *   store away, for longer than the lease.
   * @throws what `work` throws.
   */
  readonly holdDuring: (work: Promise<void>) => Promise<boolean>;
};

export function createRelayLease({ outbox, owner, leaseMs, clock, signal }: RelayLeaseOptions): RelayLease {
  let untilMs = 0;

  const renew = async (): Promise<{ readonly isOurs: boolean; readonly wasOurs: boolean }> => {
    const askedMs = clock();
    const isOurs = await outbox.lease(owner, leaseMs);
    // Given after the end of the one before, it may have been another's in between.
    const wasOurs = isOurs && clock() <= untilMs;
    untilMs = isOurs ? askedMs + leaseMs : 0;
    return { isOurs, wasOurs };
  };

  return {
    isWaning: () => clock() > untilMs - leaseMs / 2,
    take: async () => (await renew()).isOurs,
    holdDuring: async (work) => {
      const settled = new AbortController();
      const ended = AbortSignal.any([settled.signal, signal]);
      let wasHeld = true;
      const renewing = (async () => {
        for (;;) {
          await pause(leaseMs / 2, ended);
          if (ended.aborted) return;
          // A store that does not answer takes nothing away: that the time is over does.
          const { wasOurs } = await renew().catch(() => ({ wasOurs: true }));
          wasHeld &&= wasOurs;
        }
      })();
      try {
        await work;
        return wasHeld && clock() <= untilMs;
      } finally {
        settled.abort();
        await renewing;
      }
    },
  };
}
