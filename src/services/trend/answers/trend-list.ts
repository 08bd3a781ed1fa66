import type { Book } from '../../../events/book.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';
import type { Counts, Decisions, QueryDescription, TrendStore } from '../store/trend-store.ts';
import { isMuted, type QueryFacts, type ShownQuery } from './privacy.ts';
import type { RecentCounts, ScoredQuery } from './recent-counts.ts';
import { risingScore } from './burst.ts';
import {
  dayOfHour,
  hourOfTime,
  inWindow,
  longFigures,
  placesOf,
  popularFigures,
  risingFigures,
  windowStart,
  type Figures,
  type Known,
  type Window,
} from './figures.ts';
import { createRows, describeTrend, type DescribedTrend, type ShownTrend, type TrendRow } from './trend-rows.ts';

/** A row of the list, ready to be shown. `books` is JSON. */
export type ListedTrend = DescribedTrend & { readonly books: string };

export type TrendList = {
  /**
   * With a window: the most read queries of that window. Without one: the rising queries, then the most read of 24
   * hours, 7 and 30 days, each query once. At most 100 rows. A list is cached (see `isKept`). Meanwhile the same object
   * is returned, unless `isFresh` asks for a new list.
   * @throws SamsaError `store-unavailable`.
   */
  readonly list: (limit: number, window?: Window | null, isFresh?: boolean) => Promise<readonly ListedTrend[]>;
  /** How many different queries readers searched for in the last 24 hours. */
  readonly queriesKnown: () => number;
};

export type TrendListDeps = {
  readonly store: TrendStore;
  readonly recent: RecentCounts;
  readonly clock: () => number;
  /** Monotonic, in ms. */
  readonly nowMs?: () => number;
  /** What may be shown of a query, or null. */
  readonly privacyRule: (query: QueryFacts) => ShownQuery | null;
};

type Phase = {
  /** Sorted by the highest score that each can have. */
  readonly candidates: readonly ScoredQuery[];
  readonly figuresOf: (known: Known) => Figures | null;
  /** The phase ends with the first query whose score is lower. */
  readonly lowestScore: (row: number) => number;
};
type RankedPhase = Pick<Phase, 'candidates' | 'figuresOf'>;
type Shown = {
  readonly shown: ShownQuery | null;
  readonly description: QueryDescription;
  readonly foundBooks: readonly Book[];
};
type MadeList = {
  readonly rows: readonly ListedTrend[];
  readonly stamp: string;
  /** How long the last few lists took to make, in ms. */
  readonly madeInMs: readonly number[];
  readonly madeMs: number;
  readonly keepMs: number;
  /** How many commits this process had counted when making the list began. */
  readonly commits: number;
};

export const listLimit = 100;
const shortList = 10;
/** How many candidates are read at most, so that a flood of hidden queries cannot make lists slow. */
const looksAt = 1_000;
const describesAtOnce = 25;
/** How many parsed lists of books are remembered: a repeated query mostly finds the same books. */
const parsedAnswers = 300;
const mostKeptMs = 1_000;
const timesKept = 8;
const rememberedDescriptions = 5_000;
const sumsOfWindow = { '3h': 'list3', '24h': 'list24', '7d': 'list168' } as const;

export function createTrendList(deps: TrendListDeps): TrendList {
  const { store, recent, clock, privacyRule, nowMs = () => performance.now() } = deps;
  const described = new Map<number, Shown | null>();
  const lists = new Map<string, MadeList>();
  const parsed = createLruMap<string, readonly Book[]>(parsedAnswers);
  const olderTotals = createOlderTotals(store);
  let version = 0;
  let commits = 0;
  store.onCounted(() => void commits++);
  let madeInHour: number | null = null;
  let turn: Promise<unknown> = Promise.resolve();

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
      const places = placesOf(inWindow(description.hours, '24h', nowHour));
      const books = parseBooks(description.books);
      const shown = privacyRule({ ...description, books, places });
      described.set(description.query, { shown, description, foundBooks: books });
    }
  };

  /** The readers of the seven days before the last seven, by whole days. */
  const weekBefore = async (query: number, nowHour: number): Promise<number> => {
    const lastDay = dayOfHour(nowHour) - 7;
    const days = await store.daily(query, lastDay - 6);
    return days.reduce((sum, { day, readers, anonymous }) => sum + (day <= lastDay ? readers + anonymous : 0), 0);
  };

  const phaseOf = async (window: Window | 'rising', nowHour: number): Promise<Phase> => {
    if (window === 'rising') {
      const comparison = recent.comparison();
      return {
        candidates: await recent.risers(looksAt),
        figuresOf: (known) => risingFigures(known, comparison),
        lowestScore: (row) => risingScore(comparison.queries, row),
      };
    }
    if (window === '30d') {
      const older = await olderTotals(nowHour);
      const scoreOf = (query: number): number => {
        const { readers, anonymous } = older.get(query) ?? noCounts;
        return readers + anonymous + recent.sumOf(query, 'list168');
      };
      const latest = await recent.top('list168', looksAt);
      const queries = new Set([...older.keys(), ...latest.map(({ query }) => query)]);
      const candidates = Array.from(queries, (query) => ({ query, score: scoreOf(query) }));
      const figuresOf = (known: Known) => {
        const { readers, anonymous, searches } = older.get(known.description.query) ?? noCounts;
        const { list168, searches168 } = known.sums;
        const total = { readers: readers + list168, anonymous, searches: searches + searches168 };
        return longFigures(known, '30d', total);
      };
      return { candidates: await recent.first(candidates, looksAt), figuresOf, lowestScore: anyScore };
    }
    const candidates = await recent.top(sumsOfWindow[window], looksAt);
    if (window !== '7d')
      return { candidates, figuresOf: (known) => popularFigures(known, window), lowestScore: anyScore };
    const figuresOf = (known: Known) => {
      const { list168, searches168 } = known.sums;
      return longFigures(known, '7d', { readers: list168, anonymous: 0, searches: searches168 });
    };
    return { candidates, figuresOf, lowestScore: anyScore };
  };

  /** Yields shown queries in the order of their exact ranks. */
  async function* inRankOrder(phase: RankedPhase, decisions: Decisions, nowHour: number): AsyncGenerator<ShownTrend> {
    let waiting: ShownTrend[] = [];
    const { candidates } = phase;
    for (let at = 0; at < candidates.length; at += describesAtOnce) {
      const some = candidates.slice(at, at + describesAtOnce).map(({ query }) => query);
      await describe(some, nowHour);
      for (const query of some) {
        const trend = show(query, phase, decisions, nowHour);
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

  const show = (
    query: number,
    { figuresOf }: RankedPhase,
    { muted, pinned }: Decisions,
    nowHour: number,
  ): ShownTrend | null => {
    const known = described.get(query);
    if (known === null || known === undefined) return null;
    const { description, foundBooks } = known;
    const isPinned = pinned.has(description.key);
    const { shown } = known;
    if (shown === null || (shown.isHidden && !isPinned)) return null;
    const figures = figuresOf({ description, sums: recent.sumsOf(query), nowHour });
    if (figures === null || figures.score <= 0) return null;
    const { key, books, lead } = description;
    return { query, key, books, foundBooks, lead, ...shown, isMuted: isMuted(muted, key, shown), isPinned, ...figures };
  };

  const make = async (limit: number, window: Window | null, isFresh: boolean): Promise<readonly ListedTrend[]> => {
    const startMs = nowMs();
    const hour = hourOfTime(clock());
    const name = `${limit} ${window ?? ''}`;
    const known = lists.get(name);
    if (known !== undefined && !isFresh && hour === madeInHour && isKept(known, startMs, commits)) return known.rows;
    const commitsBefore = commits;
    const touched = await recent.refresh(hour);
    madeInHour = hour;
    if (touched === 'all' || described.size > rememberedDescriptions) described.clear();
    else for (const query of touched) described.delete(query);
    if (touched === 'all' || touched.size > 0) version++;
    const decisions = await store.decisions();
    const stamp = [version, ...decisions.muted, '', ...decisions.pinned].join('\n');
    const isCurrent = known?.stamp === stamp;
    const rows = isCurrent ? known.rows : await describeRows(limit, window, decisions, hour);
    const tookMs = nowMs() - startMs;
    const madeInMs = isCurrent ? known.madeInMs : [tookMs, ...(known?.madeInMs ?? [])].slice(0, timesKept);
    // A commit on the same thread may have interrupted it, so the shortest of the last times is used.
    const keepMs = Math.min(mostKeptMs, 10 * Math.min(...madeInMs, isCurrent ? tookMs : mostKeptMs));
    lists.set(name, { rows, stamp, madeInMs, madeMs: nowMs(), keepMs, commits: commitsBefore });
    return rows;
  };

  const describeRows = async (
    limit: number,
    window: Window | null,
    decisions: Decisions,
    nowHour: number,
  ): Promise<readonly ListedTrend[]> => {
    const listed: ListedTrend[] = [];
    for (const row of await listRows(limit, window, decisions, nowHour)) {
      const members: ShownTrend[] = [];
      for (const member of row.members) {
        members.push(member.window === '7d' ? { ...member, before: await weekBefore(member.query, nowHour) } : member);
      }
      listed.push({ ...describeTrend(members, await readersOf(row, nowHour)), books: row.books });
    }
    return listed;
  };

  const listRows = async (
    limit: number,
    window: Window | null,
    decisions: Decisions,
    nowHour: number,
  ): Promise<readonly TrendRow[]> => {
    // More rows than needed, because rows of muted queries are removed at the end.
    const rows = createRows(limit + decisions.muted.size);
    for (const trend of await pinnedTrends(decisions, window ?? '24h', nowHour)) rows.add(trend);
    for (const phase of window === null ? (['rising', '24h', '7d', '30d'] as const) : [window]) {
      if (rows.isFull()) break;
      const { lowestScore, ...ranked } = await phaseOf(phase, nowHour);
      let row = 0;
      for await (const trend of inRankOrder(ranked, decisions, nowHour)) {
        if (trend.score < lowestScore(++row)) break;
        rows.add(trend);
        if (rows.isFull()) break;
      }
    }
    return rows.finish().slice(0, limit);
  };

  /** Pinned queries come first, also those that too few readers searched for. */
  const pinnedTrends = async (
    decisions: Decisions,
    window: Window,
    nowHour: number,
  ): Promise<readonly ShownTrend[]> => {
    const phase = await phaseOf(window, nowHour);
    const trends: ShownTrend[] = [];
    for (const key of [...decisions.pinned].toSorted()) {
      const query = await store.find(key);
      if (query === null) continue;
      await describe([query], nowHour);
      const trend = show(query, phase, decisions, nowHour);
      if (trend !== null) trends.push(trend);
    }
    return trends;
  };

  /**
   * The readers of all members together: each reader once while it is known who searched, later those of the largest
   * member.
   */
  const readersOf = async ({ members }: TrendRow, nowHour: number): Promise<number> => {
    const [first] = members as readonly [ShownTrend];
    if (members.length === 1) return first.readers;
    if (first.window === '7d' || first.window === '30d') return Math.max(...members.map(({ readers }) => readers));
    const unnamed = members.reduce((sum, member) => sum + member.unnamed, 0);
    const queries = members.map(({ query }) => query);
    return unnamed + (await store.distinctReaders(queries, windowStart(first.window, nowHour)));
  };

  return {
    list: async (limit, window = null, isFresh = false) => {
      // Read before the turn begins: the first time in an hour it may take long, and other lists need not wait for it.
      if (window === '30d') await olderTotals(hourOfTime(clock()));
      const made = turn.then(() => make(limit <= shortList ? shortList : listLimit, window, isFresh));
      turn = made.catch(() => {});
      const rows = await made;
      return rows.length <= limit ? rows : rows.slice(0, limit);
    },
    queriesKnown: recent.size,
  };
}

const anyScore = (): number => 0;
/**
 * A list is kept ten times as long as it took to make, or twice as long after a commit of this process; at most a second.
 */
function isKept({ madeMs, keepMs, commits }: MadeList, nowMs: number, commitsNow: number): boolean {
  return nowMs < madeMs + (commits === commitsNow ? keepMs : keepMs / 5);
}

const noCounts: Counts = { readers: 0, anonymous: 0, searches: 0 };

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
    const totals = read(nowHour);
    const reading = { hour: nowHour, totals };
    latest = reading;
    totals.catch(() => {
      if (latest === reading) latest = null;
    });
    return totals;
  };
}

/** Higher score first, then more searches, then the key in code unit order: total, so that lists never flicker. */
function compareRanks(one: ShownTrend, other: ShownTrend): number {
  if (one.score !== other.score) return other.score - one.score;
  if (one.searches !== other.searches) return other.searches - one.searches;
  if (one.key === other.key) return 0;
  return one.key < other.key ? -1 : 1;
}
