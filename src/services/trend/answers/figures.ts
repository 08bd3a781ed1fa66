import type { Book } from '../../../events/book.ts';
import type { Counts, QueryDescription } from '../store/trend-store.ts';
import { dayOfHour, windowStart, type Window } from '../hours.ts';
import { baselineHours, goesOn, lowestScore, riseOf, type BurstHours, type Comparison } from './burst.ts';
import { countPlaces } from './privacy.ts';
import type { Sums } from './recent-counts.ts';

/** What is known of one query when a list is made. */
export type Known = { readonly description: QueryDescription; readonly sums: Sums; readonly nowHour: number };

/** The figures of one query in a window. */
export type Figures = {
  readonly kind: 'rising' | 'popular';
  readonly window: Window;
  readonly score: number;
  /** Readers and unnamed searches. In windows of up to 24 hours a reader counts once, in longer ones once an hour. */
  readonly readers: number;
  /** How many of `readers` are unnamed searches; 0 in windows of more than 24 hours. */
  readonly unnamed: number;
  readonly searches: number;
  /** Readers and unnamed searches in the window before; `null` when they are not compared. */
  readonly before: number | null;
  /** The number expected from the week before; `null` in windows of more than 24 hours. */
  readonly usual: number | null;
  /**
   * The first hour of the window in which it was searched, if it was not searched before; how many days ago that was,
   * by days of UTC.
   */
  readonly newSince: { readonly hour: number; readonly daysAgo: number } | null;
  readonly hourly: readonly number[];
};

/** A query that may be shown, with its figures in a window. */
export type ShownTrend = Figures & {
  readonly query: number;
  readonly key: string;
  readonly label: string;
  readonly namesBook: boolean;
  readonly isMuted: boolean;
  /** As JSON, and parsed. */
  readonly books: string;
  readonly foundBooks: readonly Book[];
  readonly lead: number | null;
};

type Hours = QueryDescription['hours'];

/** A rise needs readers from this many places. */
const risePlaces = 3;
const hoursShown = 24;

/**
 * A rise of the last 3 hours is described by the figures of these hours, a longer one by those of the last 24 hours.
 * @returns `null` when the query is not rising.
 */
export function risingFigures(known: Known, comparison: Comparison): Figures | null {
  const { description, sums, nowHour } = known;
  const countIn = (hours: BurstHours): number => risingReaders(hours, known);
  const countFrom = (hours: BurstHours): number =>
    countPlaces(placesIn(description.hours, hours, nowHour)) < risePlaces ? 0 : countIn(hours);
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

export function popularFigures(known: Known, window: '3h' | '24h'): Figures {
  const { description, sums, nowHour } = known;
  const from = windowStart(window, nowHour);
  const length = nowHour + 1 - from;
  const hours = lastHours(description.hours, length, nowHour);
  const unnamed = sum(hours, ({ anonymous }) => anonymous);
  const readers = Math.min(
    description.distinctReaders[window],
    sum(hours, (hour) => hour.readers),
  );
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
    hourly: hourlySeries(description.hours, nowHour),
  };
}

function ago(hour: number, nowHour: number) {
  return { hour, daysAgo: dayOfHour(nowHour) - dayOfHour(hour) };
}

/** @param older the sums of the window without the last 168 hours. */
export function longFigures({ description, sums, nowHour }: Known, window: '7d' | '30d', older: Counts): Figures {
  const readers = older.readers + older.anonymous + sums.list168;
  const searches = older.searches + sums.searches168;
  const hourly = hourlySeries(description.hours, nowHour);
  const rest = { unnamed: 0, before: null, usual: null, newSince: null };
  return { kind: 'popular', window, score: readers, readers, searches, hourly, ...rest };
}

/** The places of the last `length` hours, as bits. */
export function placesIn(hours: Hours, length: number, nowHour: number): number {
  return lastHours(hours, length, nowHour).reduce((places, hour) => places | hour.places, 0);
}

function lastHours(hours: Hours, length: number, nowHour: number): Hours {
  return hours.filter(({ hour }) => hour > nowHour - length);
}

/** By the hour, for the last 24 hours. */
export function hourlySeries(hours: Hours, nowHour: number): readonly number[] {
  return series(hours, ({ hour }) => hour - (nowHour + 1 - hoursShown), hoursShown);
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

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}

/** A row of `GET /trends` without its time. Figures of queries that name no book are rounded down. */
export type DescribedTrend = {
  readonly query: string;
  readonly score: number;
  readonly readers: number;
  readonly searches: number;
  readonly kind: ShownTrend['kind'];
  readonly window: Window;
  readonly before: number | null;
  readonly why: string;
  readonly hourly: readonly number[];
  readonly variants: readonly { readonly query: string; readonly readers: number }[];
};

/** @param readers how many readers all members have together. */
export function describeTrend(members: readonly ShownTrend[], readers: number): DescribedTrend {
  const [first, ...others] = members as readonly [ShownTrend, ...ShownTrend[]];
  const { label: query, kind, window } = first;
  if (!first.namesBook) return describeRounded(first);
  const sum = (of: (member: ShownTrend) => number): number => members.reduce((all, member) => all + of(member), 0);
  const opener = members.reduce((best, member) => (member.score > best.score ? member : best));
  const before = first.before === null ? null : sum((member) => member.before ?? 0);
  const usual = first.usual === null ? null : sum((member) => member.usual ?? 0);
  return {
    query,
    score: roundScore(opener.score),
    readers,
    searches: sum((member) => member.searches),
    kind,
    window,
    before,
    why: why({ kind, window, readers, before, usual, newSince: first.newSince }),
    hourly: first.hourly.map((_, index) => sum((member) => member.hourly[index] ?? 0)),
    variants: others.map((member) => ({ query: member.label, readers: member.readers })),
  };
}

function describeRounded({ label: query, kind, window, score, readers, searches }: ShownTrend): DescribedTrend {
  const rounded = roundDown(readers);
  const described = { query, kind, window, before: null, hourly: [], variants: [] };
  return {
    ...described,
    score: roundDown(score),
    readers: rounded,
    searches: roundDown(searches),
    why: `at least ${readersInWords(rounded, window)}`,
  };
}

/**
 * Rounds down to 1, 2, 5, 10, 20, 50, 100 and so on. Somebody who knows some of the readers can then not tell whether
 * there is another one.
 */
export function roundDown(value: number): number {
  if (value < 1) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = Math.floor(value / power);
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

function roundScore(score: number): number {
  return Math.round(score * 100) / 100;
}

type Compared = Pick<Figures, 'kind' | 'window' | 'readers' | 'before' | 'usual' | 'newSince'>;

/** The reason in words: "14 readers in the last 3 hours, usually 1: 14 times as usual". */
export function why({ kind, window, readers, before, usual, newSince }: Compared): string {
  const counted = readersInWords(readers, window);
  if (newSince !== null) {
    return `${counted}: new, since ${clockTime(newSince.hour)}${newSince.daysAgo > 0 ? ' yesterday' : ''}`;
  }
  if (usual === null && before === null) return counted;
  const isRare = usual !== null && usual < 0.5;
  if (isRare && kind === 'rising') return `${counted}, usually none`;
  if (usual === null || isRare) return `${counted}, ${before === 0 ? 'none' : before} in the ${lengths[window]} before`;
  // As a reader would divide the two numbers that are shown.
  const shownUsual = Math.round(usual);
  const times = Math.floor(readers / shownUsual);
  return `${counted}, usually ${shownUsual}${times >= 2 ? `: ${times} times as usual` : ''}`;
}

const lengths = { '3h': '3 hours', '24h': '24 hours', '7d': '7 days', '30d': '30 days' } as const;

function readersInWords(readers: number, window: Window): string {
  const counted = window === '7d' || window === '30d' ? ', counted once an hour,' : '';
  return `${readers} ${readers === 1 ? 'reader' : 'readers'}${counted} in the last ${lengths[window]}`;
}

function clockTime(hour: number): string {
  return `${String(hour % 24).padStart(2, '0')}:00 UTC`;
}
