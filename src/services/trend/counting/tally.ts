import { isLaterAnswer } from './latest-answer.ts';
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

/** Adds a search to its query's tally, all but its reader: whether that one is new only the table knows. */
export function tallySearch(
  tallies: Map<string, QueryTally>,
  search: CountedSearch,
  numberOf: (key: string) => number,
): QueryTally {
  let tally = tallies.get(search.queryKey);
  if (tally === undefined) {
    const key = search.queryKey;
    tally = { query: numberOf(key), key, hours: [], spellings: [], latest: search };
    tallies.set(key, tally);
  } else if (isLaterAnswer(search, tally.latest)) {
    tally.latest = search;
  }
  const hour = hourOf(tally, search.hour);
  hour.searches++;
  if (search.anonymous) hour.anonymous++;
  spellingOf(tally, search.label, Math.floor(search.hour / 24)).searches++;
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
