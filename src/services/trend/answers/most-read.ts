import { createLruMap } from '../../../runtime/lru-map.ts';
import type { Book } from '../../../events/book.ts';
import type { QueryFacts } from './privacy.ts';
import { createRecentTotals } from './query-totals.ts';
import { countingKey } from '../../../text/keys.ts';
import { compareRanks, firstRanked, hourOfTime, hoursShown, series, windows, windowStart } from './trend.ts';
import type { Rank, Window } from './trend.ts';
import type { QueryDescription, QueryTotal, TrendStore } from '../store/trend-store.ts';

/** A query on the most-read lists, ready to be shown. */
export type MostReadQuery = Rank & {
  /** What it is shown as. */
  readonly label: string;
  /** JSON. */
  readonly books: string;
  readonly readers: number;
  readonly window: Window;
  readonly hourly: readonly number[];
};

export type MostRead = {
  /**
   * The most-read queries of 24 hours, then of 7 and of 30 days, each once; at most 100. Current unless making the list
   * is dear: then as old as ten times what making it cost, a second at most.
   * @throws SamsaError `store-unavailable`.
   */
  readonly list: (limit: number) => Promise<readonly MostReadQuery[]>;
  /** Different queries of the last 24 hours, when a list was last made. */
  readonly queriesKnown: () => number;
};

type Shown = { readonly label: string; readonly description: QueryDescription };
type MadeList = { readonly items: readonly MostReadQuery[]; readonly hour: number; readonly keepUntilMs: number };
type WindowCache = { readonly totals: readonly QueryTotal[]; readonly hour: number; readonly keepUntilMs: number };

export const listLimit = 100;
const shortList = 10;
/** Further down nobody looks, and whoever floods the shop with queries nobody may see cannot make lists dear. */
const looksAt = 1_000;
const describesAtOnce = 25;
const rememberedDescriptions = 5_000;

export function createMostRead(deps: {
  readonly store: TrendStore;
  readonly clock: () => number;
  /** The label a query may be shown under, or null. */
  readonly privacyRule: (query: QueryFacts) => string | null;
}): MostRead {
  const { store, clock } = deps;
  const recent = createRecentTotals(store);
  const longer = new Map<Window, WindowCache>();
  const described = createLruMap<number, Shown | null>(rememberedDescriptions);
  const lists = new Map<number, MadeList>();
  let turn: Promise<unknown> = Promise.resolve();

  const describe = async (queries: readonly number[], nowHour: number): Promise<void> => {
    const missing = queries.filter((query) => described.get(query) === undefined);
    if (missing.length === 0) return;
    const descriptions = await store.describe(missing, windowStart('24h', nowHour));
    for (const query of missing) described.set(query, null);
    for (const description of descriptions) {
      const label = deps.privacyRule(factsOf(description));
      described.set(description.query, label === null ? null : { label, description });
    }
  };

  const totalsOf = async (window: Window, nowHour: number): Promise<Iterable<QueryTotal>> => {
    if (window === '24h') return recent.totals();
    const startMs = clock();
    const cached = longer.get(window);
    if (cached !== undefined && cached.hour === nowHour && startMs < cached.keepUntilMs) return cached.totals;
    const { totals } = await store.totals(windowStart(window, nowHour));
    const keepUntilMs = clock() + Math.max(1_000, 50 * (clock() - startMs));
    longer.set(window, { totals, hour: nowHour, keepUntilMs });
    return totals;
  };

  /** Looks at queries in the order of their best possible places until nobody further down can come before the last. */
  const fill = async (items: MostReadQuery[], window: Window, limit: number, nowHour: number): Promise<void> => {
    const listed = new Set(items.map(({ label }) => countingKey(label)));
    const candidates = firstRanked(await totalsOf(window, nowHour), looksAt);
    const wanted = limit - items.length;
    // Misspellings are shown as what they were corrected to; of several under one label the first is listed.
    const byLabel = new Map<string, MostReadQuery>();
    for (let at = 0; at < candidates.length; at += describesAtOnce) {
      const last = byLabel.size < wanted ? undefined : [...byLabel.values()].sort(compareRanks)[wanted - 1];
      if (last !== undefined && compareRanks(last, candidates[at]!) < 0) break;
      const next = candidates.slice(at, at + describesAtOnce);
      await describe(
        next.map(({ query }) => query),
        nowHour,
      );
      for (const candidate of next) {
        const shown = described.get(candidate.query);
        if (!shown) continue;
        const label = countingKey(shown.label);
        const query = rankShown(shown, candidate, window, nowHour);
        const known = byLabel.get(label);
        if (!listed.has(label) && (known === undefined || compareRanks(query, known) < 0)) byLabel.set(label, query);
      }
    }
    items.push(...[...byLabel.values()].sort(compareRanks).slice(0, wanted));
  };

  const make = async (limit: number): Promise<readonly MostReadQuery[]> => {
    const startMs = clock();
    const hour = hourOfTime(startMs);
    const known = lists.get(limit);
    if (known !== undefined && known.hour === hour && startMs < known.keepUntilMs) return known.items;
    const touched = await recent.refresh(windowStart('24h', hour));
    if (touched === 'all') described.clear();
    else for (const query of touched) described.delete(query);
    const items: MostReadQuery[] = [];
    for (const window of windows) {
      if (items.length < limit) await fill(items, window, limit, hour);
    }
    const costMs = clock() - startMs;
    lists.set(limit, { items, hour, keepUntilMs: clock() + Math.min(1_000, 10 * costMs) });
    return items;
  };

  return {
    list: async (limit) => {
      const made = turn.then(() => make(limit <= shortList ? shortList : listLimit));
      turn = made.catch(() => {});
      return (await made).slice(0, limit);
    },
    queriesKnown: recent.size,
  };
}

/** In the shortest window a reader counts once; in the longer ones once an hour. */
function rankShown({ label, description }: Shown, candidate: Rank, window: Window, nowHour: number): MostReadQuery {
  const from = windowStart('24h', nowHour);
  const sums = description.hours.reduce((sum, { readers, anonymous }) => sum + readers + anonymous, 0);
  const readers = description.hours.reduce((sum, hour) => sum + hour.readers, 0);
  const repeated = window === '24h' ? Math.max(0, readers - description.distinctReaders) : 0;
  return {
    key: candidate.key,
    score: candidate.score - repeated,
    searches: candidate.searches,
    label,
    books: description.books,
    readers: window === '24h' ? sums - repeated : candidate.score,
    window,
    hourly: series(description.hours, ({ hour }) => hour - from, hoursShown),
  };
}

export function factsOf({ label, corrected, books, distinctReaders }: QueryDescription): QueryFacts {
  return { label, corrected, books: JSON.parse(books) as readonly Book[], distinctReaders };
}
