import { dayOfHour } from '../hours.ts';
import type { CountedSearch } from '../trend-projection.ts';

type HourTally = {
  readonly hour: number;
  /** The readers who searched in it, in the order of their searches; one may come several times, but not in a row. */
  readonly named: number[];
  /** How many of them had not searched for it in this hour before; only the database knows. */
  readers: number;
  anonymous: number;
  searches: number;
  places: number;
  /** Searches for which no book had all words, and the time of the last one. */
  unanswered: number;
  unansweredMs: number;
};
type SpellingTally = { readonly label: string; readonly day: number; readers: number; places: number };
type LeadTally = { readonly book: number; readonly day: number; searches: number };

/**
 * What one commit adds to one query. Most queries have one hour, one spelling and one lead, so plain lists are enough.
 */
export type QueryTally = {
  readonly query: number;
  readonly key: string;
  readonly hours: HourTally[];
  readonly spellings: SpellingTally[];
  readonly leads: LeadTally[];
  /** When it was searched last. */
  lastMs: number;
  /** The latest answer; `null` when no search had one. */
  latest: CountedSearch | null;
};

/**
 * Adds a search to its query's tally, except its reader. Only the database knows whether the reader is new in this
 * hour: the table `hourly_reader` has one row for each query, hour and reader (see `count-searches.ts` of each store).
 * A spelling that equals the key, as most do, is not listed (see `labelOf`).
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
  if (search.reader !== null && search.reader !== hour.named.at(-1)) hour.named.push(search.reader);
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
  for (const known of hours) if (known.hour === hour) return known;
  const tally = { hour, named: [], readers: 0, anonymous: 0, searches: 0, places: 0, unanswered: 0, unansweredMs: 0 };
  hours.push(tally);
  return tally;
}

export function spellingOf({ spellings }: QueryTally, { label, hour }: CountedSearch): SpellingTally {
  const day = dayOfHour(hour);
  let tally = spellings.find((known) => known.day === day && known.label === label);
  if (tally === undefined) {
    tally = { label, day, readers: 0, places: 0 };
    spellings.push(tally);
  }
  return tally;
}

function tallyAnswer(tally: QueryTally, search: CountedSearch, book: number): void {
  if (tally.latest === null || isLaterAnswer(search, tally.latest)) tally.latest = search;
  const day = dayOfHour(search.hour);
  for (const known of tally.leads) {
    if (known.book !== book || known.day !== day) continue;
    known.searches++;
    return;
  }
  tally.leads.push({ book, day, searches: 1 });
}

/** The answer of a search: the books, and the spelling used instead of the query's. */
export type Answer = Pick<CountedSearch, 'corrected' | 'books'>;

/**
 * The latest answer has the greatest time; among equal times, the greatest bytes. A page without books is not an
 * answer, so it never replaces one.
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
