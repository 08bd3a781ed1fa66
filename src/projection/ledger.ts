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
