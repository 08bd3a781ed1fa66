import { setTimeout as delay } from 'node:timers/promises';
import type { Outbox } from './outbox.ts';

export type OutboxPaceOptions = {
  /** How many rows may wait without holding up the import. */
  readonly mostRows: number;
  /** How long to wait for a relay that delivers nothing. Default: 2,000. */
  readonly patienceMs?: number;
  /** How long not to wait at all after that. Default: 10,000. */
  readonly freeMs?: number;
};

/** How often the waiting rows are counted. */
const lookEveryMs = 5;

/**
 * Bounds the outbox while many books change. Call it between batches: it resolves at once while few rows wait, else when
 * half of them were delivered. When nothing is delivered, because the log is away, it soon resolves and the outbox grows.
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
