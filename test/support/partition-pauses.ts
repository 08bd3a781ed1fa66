import { setTimeout as delay } from 'node:timers/promises';
import type { PartitionPosition } from '../../src/progress/progress.ts';

/** The longest times, in milliseconds, for which a partition's position did not move. */
export type Pauses = {
  /** While the same instance kept reading it. */
  readonly untouched: number;
  /** While it moved from one instance to another. */
  readonly moved: number;
};

type Standing = { readonly next: number; readonly instance: string | null; readonly sinceMs: number };

const lookEveryMs = 10;

/** Reads the positions again and again until `end`, while events arrive continuously. */
export function watchPauses(positions: () => Promise<readonly PartitionPosition[]>): {
  readonly end: () => Promise<Pauses>;
} {
  const ending = new AbortController();
  const pauses = { untouched: 0, moved: 0 };
  const standing = new Map<number, Standing>();
  const note = ({ partition, next, instance }: PartitionPosition, nowMs: number): void => {
    const before = standing.get(partition);
    if (before?.next === next) return;
    if (before !== undefined && before.next > 0) {
      const kind = before.instance === instance ? 'untouched' : 'moved';
      pauses[kind] = Math.max(pauses[kind], Math.round(nowMs - before.sinceMs));
    }
    standing.set(partition, { next, instance, sinceMs: nowMs });
  };
  const watching = (async () => {
    while (!ending.signal.aborted) {
      const now = await positions();
      for (const position of now) note(position, performance.now());
      await delay(lookEveryMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  })();
  return {
    end: async () => {
      ending.abort();
      await watching;
      return pauses;
    },
  };
}
