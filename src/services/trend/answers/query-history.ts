import type { Book } from '../../../events/book.ts';
import { countingKey } from '../../../text/words.ts';
import { dayOfHour, hourOfTime, windowStart } from '../hours.ts';
import type { TrendStore } from '../store/trend-store.ts';
import { hourlySeries, placesIn, roundDown, series } from './figures.ts';
import { isMuted, labelOf, type QueryFacts, type ShownQuery } from './privacy.ts';

/**
 * Sums of 30 days, and the readers and unnamed searches of each of the last 24 hours and 30 days, oldest first. If a
 * query names no book, the sums are rounded down and the two lists are empty.
 */
export type History = {
  readonly query: string;
  readonly searches: number;
  readonly readers: number;
  readonly hourly: readonly number[];
  readonly daily: readonly number[];
};

/**
 * One query's history. `null` for a query that nobody searched for, and for one that is hidden by the privacy rule or
 * an operator. Operators also see hidden ones.
 */
export type QueryHistory = (query: string, isOperator: boolean) => Promise<History | null>;

export function createQueryHistory(deps: {
  readonly store: TrendStore;
  readonly clock: () => number;
  readonly privacyRule: (query: QueryFacts) => ShownQuery | null;
}): QueryHistory {
  const { store, clock, privacyRule } = deps;
  return async (typed, isOperator) => {
    const nowHour = hourOfTime(clock());
    const key = countingKey(typed);
    const number = await store.find(key);
    if (number === null) return null;
    const [description] = await store.describe([number], nowHour);
    if (description === undefined) return null;
    const books = JSON.parse(description.books) as readonly Book[];
    const { muted } = await store.decisions();
    const shown = privacyRule({ ...description, books, places: placesIn(description.hours, 24, nowHour) });
    const allowed = shown === null || shown.isHidden || isMuted(muted, key, shown) ? null : shown;
    if (allowed === null && !isOperator) return null;
    const firstDay = dayOfHour(windowStart('30d', nowHour));
    const days = await store.daily(number, firstDay);
    const [searches, readers] = [sum(days, 'searches'), sum(days, 'readers')];
    const query = allowed?.label ?? labelOf(description, true);
    if (allowed?.namesBook !== true && !isOperator) {
      return { query, searches: roundDown(searches), readers: roundDown(readers), hourly: [], daily: [] };
    }
    const hourly = hourlySeries(description.hours, nowHour);
    const daily = series(days, ({ day }) => day - firstDay, dayOfHour(nowHour) + 1 - firstDay);
    return { query, searches, readers, hourly, daily };
  };
}

function sum<Name extends string>(items: readonly Readonly<Record<Name, number>>[], name: Name): number {
  return items.reduce((all, item) => all + item[name], 0);
}
