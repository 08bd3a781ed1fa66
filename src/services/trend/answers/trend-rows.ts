import type { Book } from '../../../events/book.ts';
import { countingKey } from '../../../text/words.ts';
import type { Window } from '../hours.ts';
import type { Figures } from './figures.ts';
import { standsIn } from './privacy.ts';

/** A query that may be shown, with its figures in a window. */
export type ShownTrend = Figures & {
  readonly query: number;
  readonly key: string;
  readonly label: string;
  readonly namesBook: boolean;
  readonly isMuted: boolean;
  /** As JSON, and parsed. */
  readonly books: string;
  readonly foundBooks: readonly Book[];
  readonly lead: number | null;
};

/** One row of the list: a query, and the others that lead to the same book. */
export type TrendRow = { readonly members: readonly ShownTrend[]; readonly books: string };

type OpenRow = { readonly members: ShownTrend[]; readonly leadBook: Book | null; readonly books: string };

/**
 * Gathers queries that mean the same book into one row. Queries come in rank order. The first query that leads to a
 * book opens the book's row. A later query joins it if it leads to the same book and the book has its whole words
 * (`standsIn`). Every other query has its own row. No two rows show the same book first.
 */
export function createRows(limit: number) {
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

/** A row of `GET /trends` without its time. Figures of queries that name no book are rounded down. */
export type DescribedTrend = {
  readonly query: string;
  readonly score: number;
  readonly readers: number;
  readonly searches: number;
  readonly kind: ShownTrend['kind'];
  readonly window: Window;
  readonly before: number | null;
  readonly why: string;
  readonly hourly: readonly number[];
  readonly variants: readonly { readonly query: string; readonly readers: number }[];
};

/** @param readers how many readers all members have together. */
export function describeTrend(members: TrendRow['members'], readers: number): DescribedTrend {
  const [first, ...others] = members as readonly [ShownTrend, ...ShownTrend[]];
  const { label: query, kind, window } = first;
  if (!first.namesBook) return describeRounded(first);
  const sum = (of: (member: ShownTrend) => number): number => members.reduce((all, member) => all + of(member), 0);
  const opener = members.reduce((best, member) => (member.score > best.score ? member : best));
  const before = first.before === null ? null : sum((member) => member.before ?? 0);
  const usual = first.usual === null ? null : sum((member) => member.usual ?? 0);
  return {
    query,
    score: roundScore(opener.score),
    readers,
    searches: sum((member) => member.searches),
    kind,
    window,
    before,
    why: why({ kind, window, readers, before, usual, newSince: first.newSince }),
    hourly: first.hourly.map((_, index) => sum((member) => member.hourly[index] ?? 0)),
    variants: others.map((member) => ({ query: member.label, readers: member.readers })),
  };
}

function describeRounded({ label: query, kind, window, score, readers, searches }: ShownTrend): DescribedTrend {
  const rounded = roundDown(readers);
  const described = { query, kind, window, before: null, hourly: [], variants: [] };
  return {
    ...described,
    score: roundDown(score),
    readers: rounded,
    searches: roundDown(searches),
    why: `at least ${readersOf(rounded, window)}`,
  };
}

/**
 * Rounds down to 1, 2, 5, 10, 20, 50, 100 and so on. Somebody who knows some of the readers can then not tell whether
 * there is another one.
 */
export function roundDown(value: number): number {
  if (value < 1) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = Math.floor(value / power);
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

function roundScore(score: number): number {
  return Math.round(score * 100) / 100;
}

type Compared = Pick<Figures, 'kind' | 'window' | 'readers' | 'before' | 'usual' | 'newSince'>;

/** The reason in words: "14 readers in the last 3 hours, usually 1: 14 times as usual". */
export function why({ kind, window, readers, before, usual, newSince }: Compared): string {
  const counted = readersOf(readers, window);
  if (newSince !== null) {
    return `${counted}: new, since ${clockTime(newSince.hour)}${newSince.daysAgo > 0 ? ' yesterday' : ''}`;
  }
  if (usual === null && before === null) return counted;
  const isRare = usual !== null && usual < 0.5;
  if (isRare && kind === 'rising') return `${counted}, usually none`;
  if (usual === null || isRare) return `${counted}, ${before === 0 ? 'none' : before} in the ${lengths[window]} before`;
  // As a reader would divide the two numbers that are shown.
  const shownUsual = Math.round(usual);
  const times = Math.floor(readers / shownUsual);
  return `${counted}, usually ${shownUsual}${times >= 2 ? `: ${times} times as usual` : ''}`;
}

const lengths = { '3h': '3 hours', '24h': '24 hours', '7d': '7 days', '30d': '30 days' } as const;

function readersOf(readers: number, window: Window): string {
  const counted = window === '7d' || window === '30d' ? ', counted once an hour,' : '';
  return `${readers} ${readers === 1 ? 'reader' : 'readers'}${counted} in the last ${lengths[window]}`;
}

function clockTime(hour: number): string {
  return `${String(hour % 24).padStart(2, '0')}:00 UTC`;
}
