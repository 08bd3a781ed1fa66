/** How current an answer made from a projection's state is. */
export type Freshness = {
  /** Everything that had arrived by then is in it; ms since 1970. */
  readonly asOfMs: number;
  readonly lagEvents: number;
  /** 0 when nothing is unread. */
  readonly lagMs: number;
};

/** Where one partition stands: `arrivedMs` is the arrival of the last record taken, 0 when none was. */
export type PartitionProgress = { readonly next: number; readonly end: number; readonly arrivedMs: number };

/** Over all partitions: the sum of what is unread, and the oldest of the times up to which each one was read. */
export function freshnessOf(partitions: Iterable<PartitionProgress>, nowMs: number): Freshness {
  let lagEvents = 0;
  let asOfMs = nowMs;
  for (const { next, end, arrivedMs } of partitions) {
    const lag = Math.max(0, end - next);
    lagEvents += lag;
    if (lag > 0) asOfMs = Math.min(asOfMs, arrivedMs);
  }
  return { asOfMs, lagEvents, lagMs: nowMs - asOfMs };
}

/** With more unread events than this, or older ones, answers are called lagging. */
const lagging = { events: 10_000, ms: 10_000 };

export function isLagging({ lagEvents, lagMs }: Freshness): boolean {
  return lagEvents > lagging.events || (lagEvents > 0 && lagMs > lagging.ms);
}

/** How long ago the state was complete, to a tenth; `null` while nothing of a partition with records has been read. */
export function lagSeconds({ asOfMs, lagMs }: Freshness): number | null {
  return asOfMs === 0 ? null : Math.round(lagMs / 100) / 10;
}
