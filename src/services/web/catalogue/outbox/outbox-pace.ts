import { setTimeout as delay } from 'node:timers/promises';
import type { Outbox } from './outbox.ts';

export type OutboxPaceOptions = {
  /** How many rows may wait before whoever adds to them has to. */
  readonly mostRows: number;
  /** How long to wait for a relay that delivers nothing; 2,000 unless given. */
  readonly patienceMs?: number;
  /** How long not to wait any more once nothing was delivered; 10,000 unless given. */
  readonly freeMs?: number;
};

/** How often the rows are counted while they are waited for. */
const lookEveryMs = 5;

/**
 * Keeps somebody who changes many books from running away from the relay: called between batches, it resolves at once
 * while few rows wait, else when half of them have left. Where nothing leaves at all, because the log takes nothing, it
 * soon lets go: the outbox grows then, as it is there to do.
 */
export function createOutboxPace(outbox: Outbox, options: OutboxPaceOptions): () => Promise<void> {
  const { mostRows, patienceMs = 2_000, freeMs = 10_000 } = options;
  let freeUntilMs = 0;
  return async () => {
    if (performance.now() < freeUntilMs) return;
    let fewest = await outbox.size();
    if (fewest <= mostRows) return;
    let movedMs = performance.now();
    while (fewest > mostRows / 2) {
      await delay(lookEveryMs);
      const rows = await outbox.size();
      const nowMs = performance.now();
      if (rows < fewest) [fewest, movedMs] = [rows, nowMs];
      else if (nowMs - movedMs > patienceMs) {
        freeUntilMs = nowMs + freeMs;
        return;
      }
    }
  };
}
