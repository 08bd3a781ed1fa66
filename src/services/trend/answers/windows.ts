import type { Counts } from '../store/trend-store.ts';

/** The windows of lists, shortest first. Each ends with the current hour, the last one with the current day. */
export const windows = ['3h', '24h', '7d', '30d'] as const;
export type Window = (typeof windows)[number];

export const hoursShown = 24;
export const daysShown = 30;

const hourMs = 3_600_000;
const hoursOf = { '3h': 3, '24h': 24, '7d': 168, '30d': 720 } as const satisfies Record<Window, number>;

export function windowHours(window: Window): number {
  return hoursOf[window];
}

/** Whole hours since 1970, UTC. */
export function hourOfTime(timeMs: number): number {
  return Math.floor(timeMs / hourMs);
}

export function dayOfHour(hour: number): number {
  return Math.floor(hour / 24);
}

/** The first hour of a window that ends now. */
export function windowStart(window: Window, nowHour: number): number {
  if (window === '30d') return (dayOfHour(nowHour) - (daysShown - 1)) * 24;
  return nowHour - hoursOf[window] + 1;
}

/** Readers and unnamed searches per hour or day, oldest first. What is stamped ahead of now counts into the last one. */
export function series<At extends Counts>(
  rows: readonly At[],
  indexOf: (row: At) => number,
  length: number,
): readonly number[] {
  const values = Array.from({ length }, () => 0);
  for (const row of rows) {
    const index = Math.min(indexOf(row), length - 1);
    if (index >= 0) values[index]! += row.readers + row.anonymous;
  }
  return values;
}
