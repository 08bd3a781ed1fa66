import type { Outcomes, PartitionPosition } from '../progress/progress.ts';

/** What became of every offset of one partition since `first`: it is accounted for, or still to be read. */
export type LedgerRow = {
  readonly topic: string;
  readonly partition: number;
  readonly first: number;
  readonly end: number;
  readonly outcomes: Outcomes;
  readonly lag: number;
  /**
   * end − first = applied + duplicate + dead + late + gap + compacted + lag. A dead letter that is redriven moves from
   * `dead` to `applied` or `late`; a discarded one stays in `dead`.
   */
  readonly balanced: boolean;
};

/** The ledger of a projection's positions against the log's ends, which must have been read after the positions. */
export function ledgerOf(
  positions: readonly PartitionPosition[],
  endOf: (topic: string, partition: number) => number,
): readonly LedgerRow[] {
  return positions.map(({ topic, partition, first, next, outcomes }) => {
    const end = endOf(topic, partition);
    const accounted = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
    const lag = end - next;
    return { topic, partition, first, end, outcomes, lag, balanced: lag >= 0 && end - first === accounted + lag };
  });
}

/** The offset at which reading goes on, by partition. */
export function nextOffsets(ledger: readonly LedgerRow[]) {
  return ledger.map(({ topic, partition, end, lag }) => ({ topic, partition, next: end - lag }));
}

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
