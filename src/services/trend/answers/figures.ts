import { hourMs } from '../../../runtime/time.ts';
import type { Counts, QueryDescription } from '../store/trend-store.ts';
import { baselineHours, goesOn, lowestScore, riseOf, type BurstHours, type Comparison } from './burst.ts';
import { countPlaces } from './privacy.ts';
import type { Sums } from './recent-counts.ts';

/** The windows of lists, shortest first. Each ends with the current hour, the last one with the current day. */
export const windows = ['3h', '24h', '7d', '30d'] as const;
export type Window = (typeof windows)[number];

export const hoursShown = 24;
export const daysShown = 30;

const hoursOf = { '3h': 3, '24h': 24, '7d': 168, '30d': 720 } as const satisfies Record<Window, number>;

function windowHours(window: Window): number {
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

/**
 * Readers and unnamed searches per hour or day, oldest first. Counts with a later time than now are added to the last
 * one.
 */
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

/** What is known of one query when a list is made. */
export type Known = { readonly description: QueryDescription; readonly sums: Sums; readonly nowHour: number };

/** The figures of one query in a window. */
export type Figures = {
  readonly kind: 'rising' | 'popular';
  readonly window: Window;
  readonly score: number;
  /** Readers and unnamed searches. In windows of up to 24 hours a reader counts once, in longer ones once an hour. */
  readonly readers: number;
  readonly unnamed: number;
  readonly searches: number;
  /** The same in the window before; `null` when they are not compared. */
  readonly before: number | null;
  /** The number expected from the week before; `null` in windows of more than 24 hours. */
  readonly usual: number | null;
  /**
   * The first hour of the window in which it was searched, if it was not searched before; how many days ago that was, by
   * days of UTC.
   */
  readonly newSince: { readonly hour: number; readonly daysAgo: number } | null;
  readonly hourly: readonly number[];
};

/** A rise needs readers from this many places. */
const risePlaces = 3;

/**
 * A rise of the last 3 hours is described by the figures of these hours, a longer one by those of the last 24 hours.
 * @returns `null` when the query is not rising.
 */
export function risingFigures(known: Known, comparison: Comparison): Figures | null {
  const { description, sums, nowHour } = known;
  const countIn = (hours: BurstHours): number => risingReaders(hours, known);
  const countFrom = (hours: BurstHours): number =>
    countPlaces(placesOf(lastHours(description.hours, hours, nowHour))) < risePlaces ? 0 : countIn(hours);
  const { score, hours } = riseOf(countFrom, sums.base, comparison);
  if (score < lowestScore || (hours > 3 && !goesOn(countIn, sums.base, comparison))) return null;
  return { ...popularFigures(known, hours === 3 ? '3h' : '24h'), kind: 'rising', score };
}

/** Each reader once, for as long as it is known who searched; all unnamed searches of an hour count as one. */
function risingReaders(hours: BurstHours, { description, sums, nowHour }: Known): number {
  const named = sum(lastHours(description.hours, hours, nowHour), ({ readers }) => readers);
  const distinct = description.distinctReaders[hours === 3 ? '3h' : '24h'];
  return Math.min(named, distinct) + (sums[`rise${hours}`] - named);
}

/** In windows of up to 24 hours a reader counts once, in longer ones once an hour. */
export function popularFigures(known: Known, window: '3h' | '24h'): Figures {
  const { description, sums, nowHour } = known;
  const hours = inWindow(description.hours, window, nowHour);
  const unnamed = sum(hours, ({ anonymous }) => anonymous);
  const readers = Math.min(
    description.distinctReaders[window],
    sum(hours, (hour) => hour.readers),
  );
  const [from, length] = [windowStart(window, nowHour), windowHours(window)];
  const before = sum(
    description.hours.filter(({ hour }) => hour >= from - length && hour < from),
    (hour) => hour.readers + hour.anonymous,
  );
  const searched = hours.find((hour) => hour.searches > 0);
  return {
    kind: 'popular',
    window,
    score: readers + unnamed,
    readers: readers + unnamed,
    unnamed,
    searches: sum(hours, ({ searches }) => searches),
    before,
    usual: (sums.base * length) / baselineHours,
    newSince: sums.base + before === 0 && searched !== undefined ? ago(searched.hour, nowHour) : null,
    hourly: hourly(known),
  };
}

function ago(hour: number, nowHour: number) {
  return { hour, daysAgo: dayOfHour(nowHour) - dayOfHour(hour) };
}

/** @param total the sums of the window. */
export function longFigures(known: Known, window: '7d' | '30d', total: Counts): Figures {
  const score = total.readers + total.anonymous;
  const rest = { unnamed: total.anonymous, searches: total.searches, before: null, usual: null, newSince: null };
  return { kind: 'popular', window, score, readers: score, ...rest, hourly: hourly(known) };
}

export function placesOf(hours: QueryDescription['hours']): number {
  return hours.reduce((places, hour) => places | hour.places, 0);
}

export function inWindow(hours: QueryDescription['hours'], window: Window, nowHour: number): QueryDescription['hours'] {
  return lastHours(hours, nowHour + 1 - windowStart(window, nowHour), nowHour);
}

function lastHours(hours: QueryDescription['hours'], length: number, nowHour: number): QueryDescription['hours'] {
  return hours.filter(({ hour }) => hour > nowHour - length);
}

function hourly({ description, nowHour }: Known): readonly number[] {
  const from = windowStart('24h', nowHour);
  return series(description.hours, ({ hour }) => hour - from, hoursShown);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}
