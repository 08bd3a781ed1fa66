import type { CountedSearch } from '../trend-projection.ts';

type HourTally = {
  readonly hour: number;
  readers: number;
  anonymous: number;
  searches: number;
  places: number;
  /** Searches that no book answered, and when the last of them was. */
  unanswered: number;
  unansweredMs: number;
};
type SpellingTally = { readonly label: string; readonly day: number; readers: number; places: number };
type LeadTally = { readonly book: number; readonly day: number; searches: number };

/** What one commit adds to one query. Most have one hour, one spelling and one lead, so lists are searched, not hashed. */
export type QueryTally = {
  readonly query: number;
  readonly key: string;
  readonly hours: HourTally[];
  readonly spellings: SpellingTally[];
  readonly leads: LeadTally[];
  /** When it was searched last. */
  lastMs: number;
  /** `null` when no page of them was an answer with books. */
  latest: CountedSearch | null;
};

/**
 * Adds a search to its query's tally, except its reader. The table `hourly_reader` has one row for each query, hour and
 * reader, so a reader counts once: see `count-searches.ts` of each store. A spelling that
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
    tally = { query: numberOf(key), key, hours: [], spellings: [], leads: [], lastMs: search.time, latest: null };
    tallies.set(key, tally);
  }
  if (search.time > tally.lastMs) tally.lastMs = search.time;
  const hour = hourOf(tally, search.hour);
  hour.searches++;
  hour.places |= search.place;
  if (search.anonymous) hour.anonymous++;
  if (search.unanswered) {
    hour.unanswered++;
    hour.unansweredMs = Math.max(hour.unansweredMs, search.time);
  }
  if (search.lead !== null) tallyAnswer(tally, search, search.lead);
  if (search.label !== key && (search.reader !== null || search.anonymous)) {
    const spelling = spellingOf(tally, search);
    spelling.places |= search.place;
    if (search.anonymous) spelling.readers++;
  }
  return tally;
}

export function hourOf({ hours }: QueryTally, hour: number): HourTally {
  let tally = hours.find((known) => known.hour === hour);
  if (tally === undefined) {
    tally = { hour, readers: 0, anonymous: 0, searches: 0, places: 0, unanswered: 0, unansweredMs: 0 };
    hours.push(tally);
  }
  return tally;
}

export function spellingOf({ spellings }: QueryTally, { label, hour }: CountedSearch): SpellingTally {
  const day = Math.floor(hour / 24);
  let tally = spellings.find((known) => known.day === day && known.label === label);
  if (tally === undefined) {
    tally = { label, day, readers: 0, places: 0 };
    spellings.push(tally);
  }
  return tally;
}

function tallyAnswer(tally: QueryTally, search: CountedSearch, book: number): void {
  if (tally.latest === null || isLaterAnswer(search, tally.latest)) tally.latest = search;
  const day = Math.floor(search.hour / 24);
  const lead = tally.leads.find((known) => known.book === book && known.day === day);
  if (lead === undefined) tally.leads.push({ book, day, searches: 1 });
  else lead.searches++;
}

/** What a search answered: the books, and the spelling it used instead of the query's. */
export type Answer = Pick<CountedSearch, 'corrected' | 'books'>;

/**
 * The latest answer has the greatest time; among equal times, the greatest bytes. A page without books is no answer: it
 * never takes the place of one that has some.
 */
export function isLaterAnswer(one: Answer & { time: number }, other: Answer & { time: number }): boolean {
  return one.time === other.time ? compareAnswers(one, other) > 0 : one.time > other.time;
}

/** By bytes, so that every order of arrival ends with the same answer. */
export function compareAnswers(one: Answer, other: Answer): number {
  const books = one.books === other.books ? 0 : Buffer.compare(one.books, other.books);
  if (books !== 0 || one.corrected === other.corrected) return books;
  return Buffer.compare(Buffer.from(one.corrected ?? ''), Buffer.from(other.corrected ?? ''));
}

export type Spelling = { readonly label: string; readonly readers: number; readonly places: number };

/**
 * How readers spell a query mostly, among the spellings that may be shown; of two used equally often the first in code
 * point order. A spelling that equals the key is not stored: it has the readers that no other spelling has, and may
 * always be shown.
 * @param others the spellings that differ from the key.
 * @param readers those of all spellings together, each reader once an hour.
 */
export function commonestSpelling(
  key: string,
  others: readonly Spelling[],
  readers: number,
  mayShow: (spelling: Spelling) => boolean = () => true,
): string {
  const ofKey = others.reduce((left, one) => left - one.readers, readers);
  return [...others.filter(mayShow), { label: key, readers: ofKey }].reduce((first, one) => {
    if (one.readers !== first.readers) return one.readers > first.readers ? one : first;
    return Buffer.compare(Buffer.from(one.label), Buffer.from(first.label)) < 0 ? one : first;
  }).label;
}
