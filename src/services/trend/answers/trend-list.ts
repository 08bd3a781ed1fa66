import { dayOfHour, hourOfTime, windowStart, type Window } from '../hours.ts';
import type { TrendStore } from '../store/trend-store.ts';
import { createTrendRanking, type Moment, type TrendRanking, type TrendRankingDeps } from './rank-trends.ts';
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
};

export type TrendListDeps = TrendRankingDeps & {
  readonly clock: () => number;
  /** Monotonic, in ms. */
  readonly nowMs?: () => number;
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
const mostKeptMs = 1_000;
const timesKept = 8;

export function createTrendList(deps: TrendListDeps): TrendList {
  const { store, clock, nowMs = () => performance.now() } = deps;
  const ranking = createTrendRanking(deps);
  const lists = new Map<string, MadeList>();
  let commits = 0;
  store.onCounted(() => void commits++);
  let madeInHour: number | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const make = async (limit: number, window: Window | null, isFresh: boolean): Promise<readonly ListedTrend[]> => {
    const startMs = nowMs();
    const hour = hourOfTime(clock());
    const name = `${limit} ${window ?? ''}`;
    const known = lists.get(name);
    if (known !== undefined && !isFresh && hour === madeInHour && isKept(known, startMs, commits)) return known.rows;
    const commitsBefore = commits;
    const version = await ranking.refresh(hour);
    madeInHour = hour;
    const decisions = await store.decisions();
    const stamp = [version, ...decisions.muted, '', ...decisions.pinned].join('\n');
    const isCurrent = known?.stamp === stamp;
    const rows = isCurrent ? known.rows : await listRows(ranking, store, { limit, window, nowHour: hour, decisions });
    const tookMs = nowMs() - startMs;
    const madeInMs = isCurrent ? known.madeInMs : [tookMs, ...(known?.madeInMs ?? [])].slice(0, timesKept);
    // A commit on the same thread may have interrupted it, so the shortest of the last times is used.
    const keepMs = Math.min(mostKeptMs, 10 * Math.min(...madeInMs, isCurrent ? tookMs : mostKeptMs));
    lists.set(name, { rows, stamp, madeInMs, madeMs: nowMs(), keepMs, commits: commitsBefore });
    return rows;
  };

  return {
    list: async (limit, window = null, isFresh = false) => {
      // Before the turn begins, so that other lists need not wait for it.
      await ranking.prepare(window, hourOfTime(clock()));
      const made = turn.then(() => make(limit <= shortList ? shortList : listLimit, window, isFresh));
      turn = made.catch(() => {});
      const rows = await made;
      return rows.length <= limit ? rows : rows.slice(0, limit);
    },
  };
}

/**
 * A list is kept ten times as long as it took to make, or twice as long after a commit of this process; at most a second.
 */
function isKept({ madeMs, keepMs, commits }: MadeList, nowMs: number, commitsNow: number): boolean {
  return nowMs < madeMs + (commits === commitsNow ? keepMs : keepMs / 5);
}

async function listRows(
  ranking: TrendRanking,
  store: TrendStore,
  { limit, window, ...moment }: Moment & { readonly limit: number; readonly window: Window | null },
): Promise<readonly ListedTrend[]> {
  // More rows than needed, because rows of muted queries are removed at the end.
  const rows = createRows(limit + moment.decisions.muted.size);
  for (const trend of await ranking.pinned(window ?? '24h', moment)) rows.add(trend);
  for (const section of window === null ? (['rising', '24h', '7d', '30d'] as const) : [window]) {
    if (rows.isFull()) break;
    for await (const trend of ranking.ranked(section, moment)) {
      rows.add(trend);
      if (rows.isFull()) break;
    }
  }
  const listed: ListedTrend[] = [];
  for (const row of rows.finish().slice(0, limit)) listed.push(await describeRow(store, row, moment.nowHour));
  return listed;
}

async function describeRow(store: TrendStore, row: TrendRow, nowHour: number): Promise<ListedTrend> {
  const members: ShownTrend[] = [];
  for (const member of row.members) {
    members.push(
      member.window === '7d' ? { ...member, before: await weekBefore(store, member.query, nowHour) } : member,
    );
  }
  return { ...describeTrend(members, await readersOf(store, row, nowHour)), books: row.books };
}

/** The readers of the seven days before the last seven, by whole days. */
async function weekBefore(store: TrendStore, query: number, nowHour: number): Promise<number> {
  const lastDay = dayOfHour(nowHour) - 7;
  const days = await store.daily(query, lastDay - 6);
  return days.reduce((sum, { day, readers, anonymous }) => sum + (day <= lastDay ? readers + anonymous : 0), 0);
}

/**
 * The readers of all members together: each reader once while it is known who searched, later those of the largest
 * member.
 */
async function readersOf(store: TrendStore, { members }: TrendRow, nowHour: number): Promise<number> {
  const [first] = members as readonly [ShownTrend];
  if (members.length === 1) return first.readers;
  if (first.window === '7d' || first.window === '30d') return Math.max(...members.map(({ readers }) => readers));
  const unnamed = members.reduce((sum, member) => sum + member.unnamed, 0);
  const queries = members.map(({ query }) => query);
  return unnamed + (await store.distinctReaders(queries, windowStart(first.window, nowHour)));
}
