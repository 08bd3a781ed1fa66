import type { Book } from '../../../events/book.ts';
import { countingKey } from '../../../text/words.ts';
import { dayOfHour, hourOfTime, windowStart, type Window } from '../hours.ts';
import type { TrendStore } from '../store/trend-store.ts';
import { describeTrend, type DescribedTrend, type ShownTrend } from './figures.ts';
import { standsIn } from './privacy.ts';
import { createTrendRanking, type Moment, type TrendRanking, type TrendRankingDeps } from './rank-trends.ts';

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
const makingTimesKept = 8;

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
    const madeInMs = isCurrent ? known.madeInMs : [tookMs, ...(known?.madeInMs ?? [])].slice(0, makingTimesKept);
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
 * A list is kept for ten times its making time; after a commit of this process only for twice its making time; never
 * longer than a second.
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
    const before = member.window === '7d' ? await weekBefore(store, member.query, nowHour) : member.before;
    members.push({ ...member, before });
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

/** One row of the list: a query, and the others that lead to the same book. */
type TrendRow = { readonly members: readonly ShownTrend[]; readonly books: string };

type OpenRow = { readonly members: ShownTrend[]; readonly leadBook: Book | null; readonly books: string };

/**
 * Gathers queries that mean the same book into one row. Queries come in rank order. The first query that leads to a
 * book opens the book's row. A later query joins it if it leads to the same book and the book has its whole words
 * (`standsIn`). Every other query has its own row. A row first shows a book that no other row shows first, if it has
 * one.
 */
function createRows(limit: number) {
  const rows: OpenRow[] = [];
  const byLead = new Map<number, OpenRow>();
  const labels = new Set<string>();
  const firstBooks = new Set<number>();

  const open = (trend: ShownTrend): void => {
    const books = trend.foundBooks;
    const at = firstUnused(books, trend.lead, firstBooks);
    if (books[at] !== undefined) firstBooks.add(books[at].id);
    const opensLead = trend.lead !== null && trend.namesBook && !byLead.has(trend.lead);
    const leadBook = opensLead ? (books.find(({ id }) => id === trend.lead) ?? null) : null;
    const ordered = at === 0 ? trend.books : JSON.stringify([books[at], ...books.slice(0, at), ...books.slice(at + 1)]);
    const row: OpenRow = { members: [trend], leadBook, books: ordered };
    rows.push(row);
    if (leadBook !== null) byLead.set(leadBook.id, row);
  };

  return {
    /**
     * Misspellings are shown as their correction, so several queries may have one label. Only the first of them is
     * listed.
     */
    add: (trend: ShownTrend): void => {
      const label = countingKey(trend.label);
      if (labels.has(label)) return;
      const row = trend.lead === null || !trend.namesBook ? undefined : byLead.get(trend.lead);
      if (row !== undefined && standsIn(trend.label, row.leadBook!)) row.members.push(trend);
      else if (rows.length < limit) open(trend);
      else return;
      labels.add(label);
    },
    isFull: () => rows.length >= limit,
    /** The rows without muted queries. If the query that names a row is muted, the whole row is left out. */
    finish: (): readonly TrendRow[] =>
      rows.flatMap(({ members, leadBook, books }) => {
        const [named, ...others] = nameFirst(members, leadBook);
        if (named!.isMuted || members[0]!.isMuted) return [];
        return [{ members: [named!, ...others.filter(({ isMuted }) => !isMuted)], books }];
      }),
  };
}

/** The index of the book that a row shows first: the lead, else the first book that no other row shows first. */
function firstUnused(books: readonly Book[], lead: number | null, used: ReadonlySet<number>): number {
  const ofLead = books.findIndex(({ id }) => id === lead && !used.has(id));
  if (ofLead >= 0) return ofLead;
  return Math.max(
    0,
    books.findIndex(({ id }) => !used.has(id)),
  );
}

/**
 * Puts the query that names the row first: the book's main title, if it has a third of the searches of the largest
 * query; else the largest query.
 */
function nameFirst(members: readonly ShownTrend[], leadBook: Book | null): readonly ShownTrend[] {
  if (members.length === 1) return members;
  const largest = members.reduce((most, one) => (one.searches > most.searches ? one : most));
  const title = leadBook === null ? '' : countingKey(mainTitle(leadBook.title));
  const ofTitle = members.find(({ label }) => countingKey(label) === title);
  const named = ofTitle !== undefined && ofTitle.searches * 3 >= largest.searches ? ofTitle : largest;
  return [named, ...members.filter((one) => one !== named)];
}

/** The title without a subtitle or an explanation in brackets. */
function mainTitle(title: string): string {
  const [main] = title.split(/[:;([]|\s[–—-]\s/u);
  return main!.trim() === '' ? title : main!;
}
