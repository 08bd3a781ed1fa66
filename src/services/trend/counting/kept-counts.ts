import { SamsaError } from '../../../errors.ts';
import type { TrendChange } from '../trend-projection.ts';

const hourMs = 3_600_000;

/** How long counts are kept, measured from the watermark: no record that arrived before it is still unread. */
const kept = { readerHours: 25, hourlyHours: 8 * 24 + 1, dailyDays: 30 } as const;

/** So that no commit holds up answers for long. */
export const forgottenPerCommit = 2_000;

/** Other clocks may be ahead of ours by this much, so an answer looks this many hours past the end of its window. */
export const hoursAhead = 2;

/** Days that can hold counts: those kept, and the one that has begun. */
export const countedDays = kept.dailyDays + 1;

/** The last hours and days that may be forgotten, and the time before which a query has not been searched for. */
export function forgettableAt(watermarkMs: number) {
  const hour = Math.floor(watermarkMs / hourMs);
  const day = Math.floor(hour / 24) - kept.dailyDays;
  return {
    hour,
    readersUpToHour: hour - kept.readerHours,
    hourlyUpToHour: hour - kept.hourlyHours,
    upToDay: day,
    queriesBeforeMs: (day + 1) * 24 * hourMs,
  };
}

/**
 * A reader counts once per query and hour. Of an hour whose readers may be forgotten, nobody knows who has counted.
 * @throws SamsaError `too-late-to-redrive`.
 */
export function refuseForgotten(changes: readonly TrendChange[], watermarkMs: number): void {
  const { readersUpToHour } = forgettableAt(watermarkMs);
  const isForgotten = (change: TrendChange): boolean =>
    change.kind === 'search' && change.reader !== null && change.hour <= readersUpToHour;
  if (!changes.some(isForgotten)) return;
  throw new SamsaError(
    'too-late-to-redrive',
    `expected a search of the last ${kept.readerHours} hours, or one that names no reader. Who was counted before is no ` +
      'longer known, so this reader might count twice. Rebuilt counts will include the search.',
  );
}
