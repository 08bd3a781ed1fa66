import { noonHour, searchOf, type Counting } from '../../../../test/support/count-searches.ts';
import type { CountedSearch } from '../trend-projection.ts';
import type { QueryDescription, TrendStore } from './trend-store.ts';

/** A fresh, empty store. */
export type TrendStoreUnderTest = {
  readonly store: TrendStore;
  /** A second connection to the same state, as another process would have it; closed with the rest. */
  readonly another: () => Promise<TrendStore>;
  readonly close: () => Promise<void>;
};

/** One test with a store of its own, closed afterwards, and a way to count in it. */
export type TrendStoreTest = (
  name: string,
  body: (opened: TrendStoreUnderTest & { readonly count: Counting }) => Promise<void>,
) => void;

/** The first hour there is. */
export const everything = 0;

/** Key, readers, unnamed searches and searches of every query, by key. */
export const sumsOf = async (store: TrendStore, fromHour = everything) =>
  (await store.totals(fromHour)).totals
    .map(({ key, readers, anonymous, searches }) => [key, readers, anonymous, searches] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));

export const describeOne = async (
  store: TrendStore,
  key: string,
  fromHour = noonHour - 23,
): Promise<QueryDescription | undefined> => {
  const number = await store.find(key);
  return number === null ? undefined : (await store.describe([number], fromHour))[0];
};

/** Searches at noon, one for each reader. */
export const searches = (query: string, readers: readonly (string | null)[]): readonly CountedSearch[] =>
  readers.map((reader) => searchOf(query, reader));
