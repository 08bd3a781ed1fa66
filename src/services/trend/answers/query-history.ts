import { factsOf } from './most-read.ts';
import type { QueryFacts } from './privacy.ts';
import { countingKey } from '../../../text/keys.ts';
import { dayOfHour, daysShown, hourOfTime, hoursShown, series, windowStart } from './trend.ts';
import type { TrendStore } from '../store/trend-store.ts';

/** Sums of 30 days; readers and unnamed searches of each of the last 24 hours and 30 days, oldest first. */
export type History = {
  readonly query: string;
  readonly searches: number;
  readonly readers: number;
  readonly hourly: readonly number[];
  readonly daily: readonly number[];
};

/** One query's history; `null` for one that nobody searched for, or that the privacy rule hides from all but operators. */
export type QueryHistory = (query: string, isOperator: boolean) => Promise<History | null>;

export function createQueryHistory(deps: {
  readonly store: TrendStore;
  readonly clock: () => number;
  readonly privacyRule: (query: QueryFacts) => string | null;
}): QueryHistory {
  const { store, clock, privacyRule } = deps;
  return async (typed, isOperator) => {
    const nowHour = hourOfTime(clock());
    const from = windowStart('24h', nowHour);
    const number = await store.find(countingKey(typed));
    if (number === null) return null;
    const [description] = await store.describe([number], from);
    if (description === undefined) return null;
    const label = privacyRule(factsOf(description)) ?? (isOperator ? description.label : null);
    if (label === null) return null;
    const firstDay = dayOfHour(nowHour) - (daysShown - 1);
    const days = await store.daily(number, firstDay);
    return {
      query: label,
      searches: days.reduce((sum, { searches }) => sum + searches, 0),
      readers: days.reduce((sum, { readers }) => sum + readers, 0),
      hourly: series(description.hours, ({ hour }) => hour - from, hoursShown),
      daily: series(days, ({ day }) => day - firstDay, daysShown),
    };
  };
}
