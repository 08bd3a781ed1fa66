import type { Outbox } from './outbox.ts';

export type RelayLeaseOptions = {
  readonly outbox: Outbox;
  readonly owner: string;
  readonly leaseMs: number;
  readonly clock: () => number;
  /** Ends renewing, also while work goes on. */
  readonly signal: AbortSignal;
};

/** One moment by two clocks. */
type Moment = { readonly wallMs: number; readonly monotonicMs: number };

/** The lease of one relay, as far as that relay can know. */
export type RelayLease = {
  /** Whether less than half of its time is left. */
  readonly isEnding: () => boolean;
  /** Takes or renews it. @returns false while another relay holds it. */
  readonly take: () => Promise<boolean>;
  /**
   * Renews the lease until `work` is done, so that no other relay takes over from a running process.
   * @returns false when another relay may have held it meanwhile: this process was frozen, or the store away, for longer
   *   than the lease.
   * @throws what `work` throws.
   */
  readonly holdDuring: (work: Promise<void>) => Promise<boolean>;
};

export function createRelayLease({ outbox, owner, leaseMs, clock, signal }: RelayLeaseOptions): RelayLease {
  let taken: Moment | null = null;
  const now = (): Moment => ({ wallMs: clock(), monotonicMs: performance.now() });
  /** By the clock that has gone on further: one may be set back, the other stands still while the machine sleeps. */
  const isWithin = (ms: number): boolean =>
    taken !== null && now().wallMs - taken.wallMs <= ms && now().monotonicMs - taken.monotonicMs <= ms;

  const renew = async (): Promise<{ readonly isOurs: boolean; readonly wasOurs: boolean }> => {
    const asked = now();
    const isOurs = await outbox.lease(owner, leaseMs);
    // Between the end of the last lease and this one, another relay may have had it.
    const wasOurs = isOurs && isWithin(leaseMs);
    taken = isOurs ? asked : null;
    return { isOurs, wasOurs };
  };

  return {
    isEnding: () => !isWithin(leaseMs / 2),
    take: async () => (await renew()).isOurs,
    // Not with AbortSignal.any: what waits on one stays in memory until the next large garbage collection.
    holdDuring: async (work) => {
      let wasHeld = true;
      let renewing = Promise.resolve();
      const renewNow = async (): Promise<void> => {
        // A store that does not answer leaves us the lease until its time is over.
        const { wasOurs } = await renew().catch(() => ({ wasOurs: true }));
        wasHeld &&= wasOurs;
      };
      const timer = setInterval(() => {
        renewing = renewing.then(renewNow);
      }, leaseMs / 2);
      const stop = (): void => clearInterval(timer);
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
      try {
        await work;
        return wasHeld && isWithin(leaseMs);
      } finally {
        stop();
        signal.removeEventListener('abort', stop);
        await renewing;
      }
    },
  };
}
