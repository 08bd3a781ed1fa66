import type { Book } from '../../../events/book.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';
import { windowStart, type Window } from '../hours.ts';
import type { Counts, Decisions, QueryDescription, TrendStore } from '../store/trend-store.ts';
import { leastRisingScore } from './burst.ts';
import {
  longFigures,
  placesIn,
  popularFigures,
  risingFigures,
  type Figures,
  type Known,
  type ShownTrend,
} from './figures.ts';
import { isMuted, type QueryFacts, type ShownQuery } from './privacy.ts';
import type { RecentCounts, ScoredQuery } from './recent-counts.ts';

/** What a list is made of: the rising queries, or the most read ones of a window. */
export type Section = Window | 'rising';

/** When a list is made, and what operators have decided by then. */
export type Moment = { readonly nowHour: number; readonly decisions: Decisions };

/** The queries that may be shown, with their figures. */
export type TrendRanking = {
  /**
   * Notices what has been counted.
   * @returns a number that rises whenever ranks may have changed.
   */
  readonly refresh: (nowHour: number) => Promise<number>;
  /** Does what takes long the first time in an hour. */
  readonly prepare: (window: Window | null, nowHour: number) => Promise<void>;
  /** The queries of a section, best first. */
  readonly ranked: (section: Section, moment: Moment) => AsyncGenerator<ShownTrend>;
  /** Pinned queries in the order of their keys, also those that too few readers searched for. */
  readonly pinned: (window: Window, moment: Moment) => Promise<readonly ShownTrend[]>;
};

export type TrendRankingDeps = {
  readonly store: TrendStore;
  readonly recent: RecentCounts;
  /** What may be shown of a query, or null. */
  readonly privacyRule: (query: QueryFacts) => ShownQuery | null;
};

type Candidates = {
  /** Sorted by the highest score that each can have. */
  readonly candidates: readonly ScoredQuery[];
  readonly figuresOf: (known: Known) => Figures | null;
  /** The section ends with the first query whose score is lower. */
  readonly lowestScore: (rank: number) => number;
};

/** `shown`: `null` when the privacy rule hides it from everybody. */
type Described = {
  readonly shown: ShownQuery | null;
  readonly description: QueryDescription;
  readonly foundBooks: readonly Book[];
};

/** How many candidates are read at most, so that a flood of hidden queries cannot make lists slow. */
const looksAt = 1_000;
const describesAtOnce = 25;
/** How many parsed lists of books are remembered: a repeated query mostly finds the same books. */
const parsedAnswers = 300;
const rememberedDescriptions = 5_000;
const sumsOfWindow = { '3h': 'list3', '24h': 'list24', '7d': 'list168' } as const;
const noCounts: Counts = { readers: 0, anonymous: 0, searches: 0 };
const anyScore = (): number => 0;

export function createTrendRanking({ store, recent, privacyRule }: TrendRankingDeps): TrendRanking {
  const described = new Map<number, Described | null>();
  const parsed = createLruMap<string, readonly Book[]>(parsedAnswers);
  const olderTotals = createOlderTotals(store);
  let version = 0;

  const parseBooks = (books: string): readonly Book[] => {
    const known = parsed.get(books) ?? (JSON.parse(books) as readonly Book[]);
    parsed.set(books, known);
    return known;
  };

  const describe = async (queries: readonly number[], nowHour: number): Promise<void> => {
    const missing = queries.filter((query) => !described.has(query));
    if (missing.length === 0) return;
    const descriptions = await store.describe(missing, nowHour);
    for (const query of missing) described.set(query, null);
    for (const description of descriptions) {
      const books = parseBooks(description.books);
      const shown = privacyRule({ ...description, books, places: placesIn(description.hours, 24, nowHour) });
      described.set(description.query, { shown, description, foundBooks: books });
    }
  };

  const show = (
    query: number,
    { figuresOf }: Candidates,
    { nowHour, decisions: { muted, pinned } }: Moment,
  ): ShownTrend | null => {
    const known = described.get(query);
    if (known === null || known === undefined) return null;
    const { description, foundBooks, shown } = known;
    if (shown === null || (shown.isHidden && !pinned.has(description.key))) return null;
    const figures = figuresOf({ description, sums: recent.sumsOf(query), nowHour });
    if (figures === null || figures.score <= 0) return null;
    const { key, books, lead } = description;
    return { query, key, books, foundBooks, lead, ...shown, isMuted: isMuted(muted, key, shown), ...figures };
  };

  const candidatesFor = async (section: Section, nowHour: number): Promise<Candidates> => {
    switch (section) {
      case 'rising': {
        const comparison = recent.comparison();
        return {
          candidates: await recent.risers(looksAt),
          figuresOf: (known) => risingFigures(known, comparison),
          lowestScore: (rank) => leastRisingScore(comparison.queries, rank),
        };
      }
      case '30d': {
        const older = await olderTotals(nowHour);
        const olderOf = (query: number): Counts => older.get(query) ?? noCounts;
        const scoreOf = (query: number): number => {
          const { readers, anonymous } = olderOf(query);
          return readers + anonymous + recent.sumOf(query, 'list168');
        };
        const latest = await recent.top('list168', looksAt);
        const queries = new Set([...older.keys(), ...latest.map(({ query }) => query)]);
        const all = Array.from(queries, (query) => ({ query, score: scoreOf(query) }));
        const figuresOf = (known: Known) => longFigures(known, '30d', olderOf(known.description.query));
        return { candidates: await recent.first(all, looksAt), figuresOf, lowestScore: anyScore };
      }
      default: {
        const figuresOf = (known: Known) =>
          section === '7d' ? longFigures(known, section, noCounts) : popularFigures(known, section);
        return { candidates: await recent.top(sumsOfWindow[section], looksAt), figuresOf, lowestScore: anyScore };
      }
    }
  };

  /** In the order of their exact ranks. */
  async function* inRankOrder(all: Candidates, moment: Moment): AsyncGenerator<ShownTrend> {
    let waiting: ShownTrend[] = [];
    const { candidates } = all;
    for (let at = 0; at < candidates.length; at += describesAtOnce) {
      const some = candidates.slice(at, at + describesAtOnce).map(({ query }) => query);
      await describe(some, moment.nowHour);
      for (const query of some) {
        const trend = show(query, all, moment);
        if (trend !== null) waiting.push(trend);
      }
      waiting.sort(compareRanks);
      // No query further down has a greater score than the next candidate's upper bound.
      const next = candidates[at + describesAtOnce]?.score ?? Number.NEGATIVE_INFINITY;
      const settled = waiting.findIndex(({ score }) => score <= next);
      const end = settled < 0 ? waiting.length : settled;
      yield* waiting.slice(0, end);
      waiting = waiting.slice(end);
    }
    yield* waiting;
  }

  return {
    refresh: async (nowHour) => {
      const touched = await recent.refresh(nowHour);
      if (touched === 'all' || described.size > rememberedDescriptions) described.clear();
      else for (const query of touched) described.delete(query);
      if (touched === 'all' || touched.size > 0) version++;
      return version;
    },
    prepare: async (window, nowHour) => {
      if (window === '30d') await olderTotals(nowHour);
    },
    async *ranked(section, moment) {
      const all = await candidatesFor(section, moment.nowHour);
      let rank = 0;
      for await (const trend of inRankOrder(all, moment)) {
        if (trend.score < all.lowestScore(++rank)) return;
        yield trend;
      }
    },
    pinned: async (window, moment) => {
      if (moment.decisions.pinned.size === 0) return [];
      const all = await candidatesFor(window, moment.nowHour);
      const trends: ShownTrend[] = [];
      for (const key of [...moment.decisions.pinned].toSorted()) {
        const query = await store.find(key);
        if (query === null) continue;
        await describe([query], moment.nowHour);
        const trend = show(query, all, moment);
        if (trend !== null) trends.push(trend);
      }
      return trends;
    },
  };
}

/**
 * The sums of 30 days without the last 168 hours, which are in memory. They change only when an hour ends, so they are
 * read at most once an hour.
 */
function createOlderTotals(
  store: Pick<TrendStore, 'totals'>,
): (nowHour: number) => Promise<ReadonlyMap<number, Counts>> {
  let latest: { readonly hour: number; readonly totals: Promise<ReadonlyMap<number, Counts>> } | null = null;
  const read = async (nowHour: number): Promise<ReadonlyMap<number, Counts>> => {
    const totals = await store.totals(windowStart('30d', nowHour), windowStart('7d', nowHour));
    return new Map(totals.map(({ query, ...counts }) => [query, counts]));
  };
  return (nowHour) => {
    if (latest?.hour === nowHour) return latest.totals;
    const asked = { hour: nowHour, totals: read(nowHour) };
    latest = asked;
    asked.totals.catch(() => {
      if (latest === asked) latest = null;
    });
    return asked.totals;
  };
}

/** Higher score first, then more searches, then the key in code unit order: total, so that lists never flicker. */
function compareRanks(one: ShownTrend, other: ShownTrend): number {
  if (one.score !== other.score) return other.score - one.score;
  if (one.searches !== other.searches) return other.searches - one.searches;
  if (one.key === other.key) return 0;
  return one.key < other.key ? -1 : 1;
}
