import type { Counts, QueryDescription } from '../store/trend-store.ts';
import { baselineHours, burstScore, burstWindows, risingScore, type AllReaders, type BurstWindow } from './burst.ts';
import { countPlaces } from './privacy.ts';
import type { Sums } from './recent-counts.ts';
import type { ShownTrend } from './trend-rows.ts';
import { hoursShown, series, windowHours, windowStart, type Window } from './windows.ts';

/** What is known of one query when a list is made. */
export type Known = { readonly description: QueryDescription; readonly sums: Sums; readonly nowHour: number };

type Figures = Pick<
  ShownTrend,
  'kind' | 'window' | 'score' | 'readers' | 'unnamed' | 'searches' | 'before' | 'usual' | 'newSinceHour' | 'hourly'
>;

/** A rise needs readers from as many places. */
const risePlaces = 3;

/** @returns `null` when the query is not rising. */
export function risingFigures(known: Known, all: Readonly<Record<BurstWindow, AllReaders>>): Figures | null {
  const [short, long] = (['3h', '24h'] as const).map((window) => ({
    window,
    score: riseIn(window, known, all[window]),
  }));
  const { window, score } = short!.score >= long!.score ? short! : long!;
  if (score < risingScore) return null;
  return { ...popularFigures(known, window), kind: 'rising', score };
}

function riseIn(window: BurstWindow, { description, sums, nowHour }: Known, all: AllReaders): number {
  const hours = inWindow(description.hours, window, nowHour);
  if (countPlaces(placesOf(hours)) < risePlaces) return 0;
  const [rise, baseline] = window === '3h' ? [sums.rise3, sums.base3] : [sums.rise24, sums.base24];
  const named = sum(hours, ({ readers }) => readers);
  const count = Math.min(named, description.distinctReaders[window]) + (rise - named);
  return burstScore(count, baseline, all, burstWindows[window]);
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
  const baseline = window === '3h' ? sums.base3 : sums.base24;
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
    usual: (baseline * length) / baselineHours,
    newSinceHour: baseline + before === 0 && searched !== undefined ? searched.hour : null,
    hourly: hourly(known),
  };
}

/** @param total the sums of the window. */
export function longFigures(known: Known, window: '7d' | '30d', total: Counts): Figures {
  const score = total.readers + total.anonymous;
  const rest = { unnamed: total.anonymous, searches: total.searches, before: null, usual: null, newSinceHour: null };
  return { kind: 'popular', window, score, readers: score, ...rest, hourly: hourly(known) };
}

export function placesOf(hours: QueryDescription['hours']): number {
  return hours.reduce((places, hour) => places | hour.places, 0);
}

export function inWindow(hours: QueryDescription['hours'], window: Window, nowHour: number): QueryDescription['hours'] {
  const from = windowStart(window, nowHour);
  return hours.filter(({ hour }) => hour >= from);
}

function hourly({ description, nowHour }: Known): readonly number[] {
  const from = windowStart('24h', nowHour);
  return series(description.hours, ({ hour }) => hour - from, hoursShown);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}
