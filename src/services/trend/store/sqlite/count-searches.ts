import { createLruMap, createDoorkeptLruMap } from '../../../../runtime/lru-map.ts';
import { runSteps, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import { upsert, write } from '../../../../sql/statements.ts';
import { compareAnswers, isLaterAnswer, spellingOf, tallySearch, type Answer, type QueryTally } from '../tally.ts';
import { spellingReader, type TrendChange } from '../../trend-projection.ts';
import {
  answer,
  decision,
  decisionRow,
  hourly,
  lastSearch,
  lead,
  searchedAgain,
  spelling,
  unanswered,
} from '../tables.ts';
import type { CountedSince, HourCount } from '../trend-store.ts';

export type SearchCounter = {
  /** Counts inside the open transaction. The returned increments are valid once it has committed. */
  readonly count: (changes: readonly TrendChange[]) => readonly HourCount[];
  /** Must be called when a transaction has failed, and when other connections may have changed rows. */
  readonly forgetRemembered: () => void;
};

/**
 * Sums of a commit are made in memory and written once; only distinct readers are a row each. MySQL counts
 * differently: inserting each reader and asking whether it was new would cost a round trip per reader there.
 */
export function createSearchCounter(database: SqliteDatabase): SearchCounter {
  const queries = createQueryNumbers(database);
  const answers = createLatestAnswers(database);
  const addReader = database.prepare('INSERT OR IGNORE INTO hourly_reader VALUES (?, ?, ?)');
  const addSpellingReader = database.prepare('INSERT OR IGNORE INTO spelling_reader VALUES (?, ?, ?)');
  const raiseHour = database.prepare(upsert(hourly, 'sqlite'));
  const raiseSpelling = database.prepare(upsert(spelling, 'sqlite'));
  const raiseLead = database.prepare(upsert(lead, 'sqlite'));
  const raiseUnanswered = database.prepare(upsert(unanswered, 'sqlite'));

  const tally = (changes: readonly TrendChange[]): readonly QueryTally[] => {
    const tallies = new Map<string, QueryTally>();
    for (const change of changes) {
      if (change.kind === 'decision') {
        runSteps(database, write(decision, [decisionRow(change)]));
        continue;
      }
      const counted = tallySearch(tallies, change, queries.numberOf);
      if (change.reader === null || change.label === change.queryKey) continue;
      const reader = spellingReader(change.label, change.reader);
      const { changes: added } = addSpellingReader.run(change.hour, counted.query, reader);
      if (added === 1) spellingOf(counted, change).readers++;
    }
    return [...tallies.values()];
  };

  const writeTally = ({ query, hours, spellings, leads }: QueryTally, counts: HourCount[]): void => {
    for (const counted of hours) {
      const { hour, named, anonymous, searches } = counted;
      for (const reader of named) counted.readers += Number(addReader.run(hour, query, reader).changes);
      const { readers } = counted;
      raiseHour.run(hour, query, readers, anonymous, searches, counted.places);
      if (counted.unanswered > 0) raiseUnanswered.run(hour, query, counted.unanswered, counted.unansweredMs);
      counts.push({ query, hour, readers, anonymous, searches });
    }
    for (const { day, label, readers, places } of spellings) raiseSpelling.run(day, query, label, readers, places);
    for (const { day, book, searches } of leads) raiseLead.run(day, query, book, searches);
  };

  return {
    count: (changes) => {
      const counts: HourCount[] = [];
      // Rows that stand together in the tables are written together: a commit takes as long as the pages it changes.
      for (const counted of tally(changes).toSorted((one, other) => one.query - other.query)) {
        answers.keep(counted);
        writeTally(counted, counts);
      }
      return counts;
    },
    forgetRemembered: () => {
      queries.forget();
      answers.forget();
    },
  };
}

type TimedAnswer = Answer & { time: number };

const noAnswerMs = -1;
const rememberedNumbers = 50_000;
const rememberedBytes = 8 << 20;
/** A query is remembered when it comes again within about this many others. */
const metQueries = 4_000;

/** Short numbers for query keys, remembered. */
function createQueryNumbers(database: SqliteDatabase) {
  const known = createLruMap<string, number>(rememberedNumbers);
  const add = database.prepare('INSERT INTO query (query_key) VALUES (?)');
  const find = database.prepare('SELECT id FROM query WHERE query_key = ?');
  return {
    numberOf: (key: string): number => {
      let id = known.get(key);
      if (id === undefined) {
        id = Number(find.get(key)?.['id'] ?? add.run(key).lastInsertRowid);
        known.set(key, id);
      }
      return id;
    },
    forget: known.clear,
  };
}

/**
 * The latest answer of every query, and the time of its last search. Readers mostly get the same answer again, so times
 * have their own narrow rows, and an answer is only written when it differs. An answer that is not remembered is
 * compared inside SQLite: mostly it is the same and need not be read.
 */
export function createLatestAnswers(database: SqliteDatabase) {
  const remembered = createDoorkeptLruMap<number, TimedAnswer>(
    metQueries,
    rememberedBytes,
    ({ books }) => books.byteLength + 100,
  );
  const compare = database.prepare(
    `SELECT answered_ms, corrected IS ? AND books = ? FROM last_search JOIN answer USING (query) WHERE query = ?`,
  );
  compare.setReturnArrays(true);
  const find = database.prepare('SELECT corrected, books FROM answer WHERE query = ?');
  const writeTime = database.prepare(upsert(searchedAgain, 'sqlite'));
  const writeTimes = database.prepare(upsert(lastSearch, 'sqlite'));
  const writeAnswer = database.prepare(upsert(answer, 'sqlite'));

  /** The stored answer of a query. If it is equal to this one, its books are the same object. */
  const recall = (query: number, { corrected, books }: Answer): TimedAnswer | undefined => {
    const row = compare.get(corrected, books, query) as unknown as readonly [number, number] | undefined;
    if (row === undefined) return undefined;
    const [time, isSame] = row;
    const stored = isSame === 1 ? { corrected, books } : (find.get(query) as unknown as Answer);
    return { time, corrected: stored.corrected, books: stored.books };
  };

  /** Remembers a copy, because the books of an answer may share memory with a whole read of the log. */
  const remember = (query: number, { time, corrected, books }: TimedAnswer): void => {
    if (remembered.admits(query)) remembered.set(query, { time, corrected, books: new Uint8Array(books) });
  };

  /** @returns the time of the answer that is stored from now on. */
  const keepAnswer = (query: number, latest: TimedAnswer): number => {
    const held = remembered.get(query);
    const known = held ?? recall(query, latest);
    if (known !== undefined && !isLaterAnswer(latest, known)) return known.time;
    const { time, corrected, books } = latest;
    if (known !== undefined && compareAnswers(known, latest) === 0) {
      known.time = time;
      if (held === undefined) remember(query, known);
      return time;
    }
    writeAnswer.run(query, corrected, books);
    remember(query, latest);
    return time;
  };

  return {
    keep: ({ query, lastMs, latest }: Pick<QueryTally, 'query' | 'lastMs' | 'latest'>): void => {
      if (latest === null) writeTime.run(query, lastMs, noAnswerMs);
      else writeTimes.run(query, lastMs, keepAnswer(query, latest));
    },
    forget: remembered.clear,
  };
}

const keptCounts = 20_000;
/** How many counts a re-read hour is worth, since it is read as a whole. */
const costOfHour = 100;

/**
 * What was counted lately, for callers that keep sums in memory: increments of this process, and hours in which others
 * counted.
 */
type CountJournal = {
  /** Rises with every commit. */
  readonly revision: () => number;
  /** What a transaction has counted, before it commits. */
  readonly write: (counts: readonly HourCount[]) => void;
  /** The transaction has committed. */
  readonly add: (counts: readonly HourCount[]) => void;
  /** Others have committed: finds the hours in which they counted. */
  readonly noticeOthers: () => void;
  /** What was added after a revision; `null` when that is no longer known. */
  readonly since: (revision: number) => Omit<CountedSince, 'revision'> | null;
};

type Entry = {
  readonly revision: number;
  readonly counts: readonly HourCount[];
  readonly hours: readonly number[];
  readonly cost: number;
};
type CountRow = readonly [query: number, readers: number, anonymous: number, searches: number];

/**
 * The file has the number of the last commit of each hour, so that other processes see in which hours this one has
 * counted.
 */
export function createCountJournal(database: SqliteDatabase): CountJournal {
  const readLast = database.prepare('SELECT COALESCE(MAX(commit_no), 0) FROM counted_hour');
  const readHours = database.prepare('SELECT hour FROM counted_hour WHERE commit_no > ?');
  const number = database.prepare('INSERT OR REPLACE INTO counted_hour VALUES (?, ?)');
  const readCounts = database.prepare('SELECT query, readers, anonymous, searches FROM hourly WHERE hour = ?');
  for (const statement of [readLast, readHours, readCounts]) statement.setReturnArrays(true);
  const lastNumber = (): number => (readLast.get() as unknown as readonly [number])[0];

  let last = 1;
  let kept = 0;
  let entries: Entry[] = [];
  /** The oldest revision `since` can start from. */
  let first = 1;
  /** Commits up to this number are in the entries, or older than them. */
  let known = lastNumber();
  let written = known;

  const push = (counts: readonly HourCount[], hours: readonly number[]): void => {
    const cost = counts.length + hours.length * costOfHour;
    entries.push({ revision: ++last, counts, hours, cost });
    kept += cost;
    while (kept > keptCounts) {
      const dropped = entries.shift()!;
      kept -= dropped.cost;
      first = dropped.revision;
    }
  };

  const countsOf = (hour: number): readonly HourCount[] =>
    (readCounts.all(hour) as unknown as CountRow[]).map(([query, readers, anonymous, searches]) => ({
      query,
      hour,
      readers,
      anonymous,
      searches,
    }));

  return {
    revision: () => last,
    write: (counts) => {
      if (counts.length === 0) return;
      written = Math.max(known, lastNumber()) + 1;
      for (const hour of new Set(counts.map((count) => count.hour))) number.run(hour, written);
    },
    add: (counts) => {
      if (counts.length === 0) return;
      known = written;
      push(counts, []);
    },
    noticeOthers: () => {
      const hours = readHours.all(known) as unknown as (readonly [number])[];
      if (hours.length === 0) return;
      known = lastNumber();
      push(
        [],
        hours.map(([hour]) => hour),
      );
    },
    since: (revision) => {
      if (revision < first || revision > last) return null;
      const later = entries.filter((entry) => entry.revision > revision);
      const replaced = new Set(later.flatMap(({ hours }) => hours));
      const counts = later.flatMap((entry) => entry.counts).filter(({ hour }) => !replaced.has(hour));
      const replacedHours = [...replaced];
      return { counts: [...counts, ...replacedHours.flatMap(countsOf)], replacedHours };
    },
  };
}
