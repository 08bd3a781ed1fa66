import type { Book } from '../../../events/book.ts';
import type { Counts, Decisions, QueryDescription, TrendStore } from '../store/trend-store.ts';
import { describeTrend, type DescribedTrend } from './describe-trend.ts';
import { inWindow, longFigures, placesOf, popularFigures, risingFigures, type Known } from './figures.ts';
import { labelOf, type QueryFacts, type ShownQuery } from './privacy.ts';
import type { RecentCounts } from './recent-counts.ts';
import { createRows, type ShownTrend, type TrendRow } from './trend-rows.ts';
import { dayOfHour, hourOfTime, windowStart, type Window } from './windows.ts';

/** A row of the list, ready to be shown. `books` is JSON. */
export type ListedTrend = DescribedTrend & { readonly books: string };

export type TrendList = {
  /**
   * Without a window what is rising, then the most read of 24 hours, 7 and 30 days, each query once; with a window the
   * most read of it. At most 100 rows. Cached for ten times as long as it took to make, at most a second; until then the
   * same list is the same object. `isFresh` asks for a list that is not from the cache.
   * @throws SamsaError `store-unavailable`.
   */
  readonly list: (limit: number, window?: Window | null, isFresh?: boolean) => Promise<readonly ListedTrend[]>;
  /** Different queries of the last 24 hours. */
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

type Candidate = { readonly query: number; readonly score: number };
type Phase = {
  /** In the order of the scores they have at best. */
  readonly candidates: readonly Candidate[];
  readonly figuresOf: (known: Known) => ReturnType<typeof risingFigures>;
};
type Shown = { readonly shown: ShownQuery | null; readonly description: QueryDescription };
type MadeList = { readonly rows: readonly ListedTrend[]; readonly stamp: string; keepUntilMs: number };
type Totals = { readonly totals: ReadonlyMap<number, Counts>; readonly hour: number; readonly keepUntilMs: number };

export const listLimit = 100;
const shortList = 10;
/** Nobody looks further down, and somebody who floods the shop with hidden queries cannot make lists slow. */
const looksAt = 1_000;
const describesAtOnce = 25;
const rememberedDescriptions = 5_000;
const sumsOfWindow = { '3h': 'list3', '24h': 'list24', '7d': 'list168' } as const;

export function createTrendList(deps: TrendListDeps): TrendList {
  const { store, recent, clock, privacyRule, nowMs = () => performance.now() } = deps;
  const described = new Map<number, Shown | null>();
  const lists = new Map<string, MadeList>();
  let month: Totals | null = null;
  let version = 0;
  let madeInHour: number | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const describe = async (queries: readonly number[], nowHour: number): Promise<void> => {
    const missing = queries.filter((query) => !described.has(query));
    if (missing.length === 0) return;
    const descriptions = await store.describe(missing, nowHour);
    for (const query of missing) described.set(query, null);
    for (const description of descriptions) {
      const places = placesOf(inWindow(description.hours, '24h', nowHour));
      const books = JSON.parse(description.books) as readonly Book[];
      described.set(description.query, { shown: privacyRule({ ...description, books, places }), description });
    }
  };

  /** Days are summed by the database, which takes long: an older answer is kept for a minute at least. */
  const monthTotals = async (nowHour: number): Promise<ReadonlyMap<number, Counts>> => {
    const startMs = nowMs();
    if (month === null || month.hour !== nowHour || startMs >= month.keepUntilMs) {
      const found = await store.totals(windowStart('30d', nowHour));
      const totals = new Map(found.map((total) => [total.query, total]));
      const keepMs = Math.max(monthKeptMs, 50 * (nowMs() - startMs));
      month = { totals, hour: nowHour, keepUntilMs: nowMs() + keepMs };
    }
    return month.totals;
  };

  /** Readers of the seven days before the last seven, by whole days. */
  const weekBefore = async (query: number, nowHour: number): Promise<number> => {
    const lastDay = dayOfHour(nowHour) - 7;
    const days = await store.daily(query, lastDay - 6);
    return days.reduce((sum, { day, readers, anonymous }) => sum + (day <= lastDay ? readers + anonymous : 0), 0);
  };

  const phaseOf = async (window: Window | 'rising', nowHour: number): Promise<Phase> => {
    if (window === 'rising') {
      const all = { '3h': recent.all('3h'), '24h': recent.all('24h') };
      return { candidates: recent.risers(looksAt), figuresOf: (known) => risingFigures(known, all) };
    }
    if (window === '30d') {
      const totals = await monthTotals(nowHour);
      const candidates = Array.from(totals, ([query, total]) => ({ query, score: total.readers + total.anonymous }));
      candidates.sort((one, other) => other.score - one.score || one.query - other.query);
      const figuresOf = (known: Known) => longFigures(known, '30d', totals.get(known.description.query) ?? noCounts);
      return { candidates: candidates.slice(0, looksAt), figuresOf };
    }
    const candidates = recent.top(sumsOfWindow[window], looksAt);
    if (window !== '7d') return { candidates, figuresOf: (known) => popularFigures(known, window) };
    const figuresOf = (known: Known) => {
      const { list168, searches168 } = known.sums;
      return longFigures(known, '7d', { readers: list168, anonymous: 0, searches: searches168 });
    };
    return { candidates, figuresOf };
  };

  /** In the order of their exact ranks, until `isEnough`. */
  async function* inRankOrder(phase: Phase, decisions: Decisions, nowHour: number): AsyncGenerator<ShownTrend> {
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
      // A query further down has at best the score of the next candidate.
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
    { figuresOf }: Phase,
    { muted, pinned }: Decisions,
    nowHour: number,
  ): ShownTrend | null => {
    const known = described.get(query);
    if (known === null || known === undefined) return null;
    const { description } = known;
    const isPinned = pinned.has(description.key);
    const shown = known.shown ?? (isPinned ? { label: labelOf(description, false), namesBook: false } : null);
    if (shown === null) return null;
    const figures = figuresOf({ description, sums: recent.sumsOf(query), nowHour });
    if (figures === null || figures.score <= 0) return null;
    const { key, books, lead } = description;
    return { query, key, books, lead, ...shown, isMuted: muted.has(key), isPinned, ...figures };
  };

  const make = async (limit: number, window: Window | null, isFresh: boolean): Promise<readonly ListedTrend[]> => {
    const startMs = nowMs();
    const hour = hourOfTime(clock());
    const name = `${limit} ${window ?? ''}`;
    const known = lists.get(name);
    if (known !== undefined && !isFresh && hour === madeInHour && startMs < known.keepUntilMs) return known.rows;
    const touched = await recent.refresh(hour);
    madeInHour = hour;
    if (touched === 'all' || described.size > rememberedDescriptions) described.clear();
    else for (const query of touched) described.delete(query);
    if (touched === 'all' || touched.size > 0) version++;
    const decisions = await store.decisions();
    const stamp = [version, ...decisions.muted, '', ...decisions.pinned].join('\n');
    const rows = known?.stamp === stamp ? known.rows : await describeRows(limit, window, decisions, hour);
    lists.set(name, { rows, stamp, keepUntilMs: nowMs() + Math.min(1_000, 10 * (nowMs() - startMs)) });
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
    // Rows of muted queries are taken out in the end.
    const rows = createRows(limit + decisions.muted.size);
    for (const trend of await pinnedTrends(decisions, window ?? '24h', nowHour)) rows.add(trend);
    for (const phase of window === null ? (['rising', '24h', '7d', '30d'] as const) : [window]) {
      if (rows.isFull()) break;
      for await (const trend of inRankOrder(await phaseOf(phase, nowHour), decisions, nowHour)) {
        rows.add(trend);
        if (rows.isFull()) break;
      }
    }
    return rows.finish().slice(0, limit);
  };

  /** Pinned queries come first, also those that the privacy rule alone would hide. */
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

  /** Of the members together: each reader once where it is known who searched, else those of the largest member. */
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
      const made = turn.then(() => make(limit <= shortList ? shortList : listLimit, window, isFresh));
      turn = made.catch(() => {});
      const rows = await made;
      return rows.length <= limit ? rows : rows.slice(0, limit);
    },
    queriesKnown: recent.size,
  };
}

const noCounts: Counts = { readers: 0, anonymous: 0, searches: 0 };
const monthKeptMs = 60_000;

/** Higher score first, then more searches, then the key in code unit order: total, so that lists never flicker. */
function compareRanks(one: ShownTrend, other: ShownTrend): number {
  if (one.score !== other.score) return other.score - one.score;
  if (one.searches !== other.searches) return other.searches - one.searches;
  if (one.key === other.key) return 0;
  return one.key < other.key ? -1 : 1;
}
