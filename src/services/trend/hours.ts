import { hourMs } from '../../runtime/time.ts';

/** The windows of lists, shortest first. Each ends with the current hour, the last one with the current day. */
export const windows = ['3h', '24h', '7d', '30d'] as const;
export type Window = (typeof windows)[number];

const windowHours = { '3h': 3, '24h': 24, '7d': 168 } as const;
const windowDays = 30;

/** Whole hours since 1970, UTC. */
export function hourOfTime(timeMs: number): number {
  return Math.floor(timeMs / hourMs);
}

/** Whole days since 1970, UTC. */
export function dayOfHour(hour: number): number {
  return Math.floor(hour / 24);
}

/** The first hour of a window that ends now. */
export function windowStart(window: Window, nowHour: number): number {
  if (window === '30d') return (dayOfHour(nowHour) - (windowDays - 1)) * 24;
  return nowHour - windowHours[window] + 1;
}
