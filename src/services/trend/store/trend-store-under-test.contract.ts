import { noonHour, searchOf, type Counting } from '../../../../test/support/count-searches.ts';
import type { CountedSearch } from '../trend-projection.ts';
import { labelOf } from '../answers/privacy.ts';
import type { TrendStore } from './trend-store.ts';

/** A fresh, empty store. */
export type TrendStoreUnderTest = {
  readonly store: TrendStore;
  /** A second connection to the same state, as another process would have it; closed with the rest. */
  readonly another: () => Promise<TrendStore>;
  readonly close: () => Promise<void>;
};

/** One test with its own store, closed afterwards, and a way to count in it. */
export type TrendStoreTest = (
  name: string,
  body: (opened: TrendStoreUnderTest & { readonly count: Counting }) => Promise<void>,
) => void;

/** The first hour there is. */
export const everything = 0;

/** Key, readers, unnamed searches and searches of every query, by key. */
export async function sumsOf(store: TrendStore, fromHour = everything) {
  const totals = await store.totals(fromHour);
  // Nothing is too old for this hour.
  const described = await store.describe(
    totals.map(({ query }) => query),
    everything,
  );
  const keys = new Map(described.map(({ query, key }) => [query, key]));
  return totals
    .map(({ query, readers, anonymous, searches }) => [keys.get(query)!, readers, anonymous, searches] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/** What is said about a query in the 24 hours from one on, in few words. */
export async function describeOne(store: TrendStore, key: string, fromHour = noonHour - 23) {
  const number = await store.find(key);
  if (number === null) return undefined;
  const [described] = await store.describe([number], fromHour + 23);
  if (described === undefined) return undefined;
  return {
    ...described,
    label: labelOf(described, true),
    distinctReaders: described.distinctReaders['24h'],
    hours: described.hours
      .filter(({ hour }) => hour >= fromHour)
      .map(({ hour, readers, anonymous, searches }) => ({ hour, readers, anonymous, searches })),
  };
}

/** Searches at noon, one for each reader. */
export const searches = (query: string, readers: readonly (string | null)[]): readonly CountedSearch[] =>
  readers.map((reader) => searchOf(query, reader));
