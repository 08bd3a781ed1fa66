import type { CountedSearch } from '../trend-projection.ts';

type HourTally = { readonly hour: number; readers: number; anonymous: number; searches: number };
type SpellingTally = { readonly label: string; readonly day: number; searches: number };

/** What one commit adds to one query. Most have one hour and one spelling, so lists are searched, not hashed. */
export type QueryTally = {
  readonly query: number;
  readonly key: string;
  readonly hours: HourTally[];
  readonly spellings: SpellingTally[];
  latest: CountedSearch;
};

/**
 * Adds a search to its query's tally, except its reader: only the table knows whether a reader is new. A spelling that
 * equals the key, as most do, is not listed: see `commonestSpelling`.
 */
export function tallySearch(
  tallies: Map<string, QueryTally>,
  search: CountedSearch,
  numberOf: (key: string) => number,
): QueryTally {
  const key = search.queryKey;
  let tally = tallies.get(key);
  if (tally === undefined) {
    tally = { query: numberOf(key), key, hours: [], spellings: [], latest: search };
    tallies.set(key, tally);
  } else if (isLaterAnswer(search, tally.latest)) {
    tally.latest = search;
  }
  const hour = hourOf(tally, search.hour);
  hour.searches++;
  if (search.anonymous) hour.anonymous++;
  if (search.label !== key) spellingOf(tally, search.label, Math.floor(search.hour / 24)).searches++;
  return tally;
}

export function hourOf({ hours }: QueryTally, hour: number): HourTally {
  let tally = hours.find((known) => known.hour === hour);
  if (tally === undefined) {
    tally = { hour, readers: 0, anonymous: 0, searches: 0 };
    hours.push(tally);
  }
  return tally;
}

function spellingOf({ spellings }: QueryTally, label: string, day: number): SpellingTally {
  let tally = spellings.find((known) => known.day === day && known.label === label);
  if (tally === undefined) {
    tally = { label, day, searches: 0 };
    spellings.push(tally);
  }
  return tally;
}

/** What a search answered: the books, and the spelling it used instead of the query's. */
export type Answer = Pick<CountedSearch, 'corrected' | 'books'>;

/** The latest answer has the greatest time; among equal times, the greatest bytes. */
export function isLaterAnswer(one: Answer & { time: number }, other: Answer & { time: number }): boolean {
  return one.time === other.time ? compareAnswers(one, other) > 0 : one.time > other.time;
}

/** By bytes, so that every order of arrival ends with the same answer. */
export function compareAnswers(one: Answer, other: Answer): number {
  const books = one.books === other.books ? 0 : Buffer.compare(one.books, other.books);
  if (books !== 0 || one.corrected === other.corrected) return books;
  return Buffer.compare(Buffer.from(one.corrected ?? ''), Buffer.from(other.corrected ?? ''));
}

/**
 * How readers spell a query mostly; of two spellings used equally often the first in code point order. A spelling that
 * equals the key is not stored: it has the searches that no other spelling has.
 * @param others the spellings that differ from the key.
 * @param searches those of all spellings together.
 */
export function commonestSpelling(
  key: string,
  others: readonly { readonly label: string; readonly searches: number }[],
  searches: number,
): string {
  const ofKey = others.reduce((left, one) => left - one.searches, searches);
  return [...others, { label: key, searches: ofKey }].reduce((first, one) => {
    if (one.searches !== first.searches) return one.searches > first.searches ? one : first;
    return Buffer.compare(Buffer.from(one.label), Buffer.from(first.label)) < 0 ? one : first;
  }).label;
}
