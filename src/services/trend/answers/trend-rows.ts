import type { Book } from '../../../events/book.ts';
import { countingKey } from '../../../text/words.ts';
import { standsIn } from './privacy.ts';
import type { Window } from './windows.ts';

/** A query that may be shown, with its figures in a window. */
export type ShownTrend = {
  readonly query: number;
  readonly key: string;
  readonly label: string;
  readonly namesBook: boolean;
  readonly isMuted: boolean;
  readonly isPinned: boolean;
  readonly kind: 'rising' | 'popular';
  readonly window: Window;
  readonly score: number;
  /** In windows of up to 24 hours each once, in longer ones each once an hour; and unnamed searches. */
  readonly readers: number;
  readonly unnamed: number;
  readonly searches: number;
  /** In the window before; `null` where it is not compared. */
  readonly before: number | null;
  /** What the week before lets expect; `null` in windows of more than 24 hours. */
  readonly usual: number | null;
  /** The first hour of the window in which it was searched, if it was not searched before. */
  readonly newSinceHour: number | null;
  readonly hourly: readonly number[];
  /** JSON. */
  readonly books: string;
  readonly lead: number | null;
};

/** One line of the list: a query, and the others that lead to the same book. */
export type TrendRow = { readonly members: readonly ShownTrend[]; readonly books: string };

type OpenRow = { readonly members: ShownTrend[]; readonly leadBook: Book | null; readonly books: string };

/**
 * One line for one thing. Queries come in rank order; the first with a lead opens the row of that book. A later one joins
 * it when it has the same lead and all its telling words stand whole in the book's title, author or series. Every other
 * query has a row to itself and shows first a book that leads no row yet.
 */
export function createRows(limit: number) {
  const rows: OpenRow[] = [];
  const byLead = new Map<number, OpenRow>();
  const labels = new Set<string>();
  const firstBooks = new Set<number>();

  const open = (trend: ShownTrend): void => {
    const books = JSON.parse(trend.books) as readonly Book[];
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
    /** Misspellings are shown as what they were corrected to: of several queries under one label the first is listed. */
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
    /** Without what is muted: a row with the query it is called by, another query by itself. */
    finish: (): readonly TrendRow[] =>
      rows.flatMap(({ members, leadBook, books }) => {
        const [named, ...others] = nameFirst(members, leadBook);
        if (named!.isMuted || members[0]!.isMuted) return [];
        return [{ members: [named!, ...others.filter(({ isMuted }) => !isMuted)], books }];
      }),
  };
}

/** Where the book stands that a row shows first: its lead, else the first one that leads no row yet. */
function firstUnused(books: readonly Book[], lead: number | null, used: ReadonlySet<number>): number {
  const ofLead = books.findIndex(({ id }) => id === lead && !used.has(id));
  if (ofLead >= 0) return ofLead;
  return Math.max(
    0,
    books.findIndex(({ id }) => !used.has(id)),
  );
}

/**
 * The query that a row is called by comes first: the one that is the book's main title, if it has a third of the searches
 * of the largest one, else the largest one.
 */
function nameFirst(members: readonly ShownTrend[], leadBook: Book | null): readonly ShownTrend[] {
  if (members.length === 1) return members;
  const largest = members.reduce((most, one) => (one.searches > most.searches ? one : most));
  const title = leadBook === null ? '' : countingKey(mainTitle(leadBook.title));
  const ofTitle = members.find(({ label }) => countingKey(label) === title);
  const named = ofTitle !== undefined && ofTitle.searches * 3 >= largest.searches ? ofTitle : largest;
  return [named, ...members.filter((one) => one !== named)];
}

/** What stands before a subtitle or an explanation in brackets. */
function mainTitle(title: string): string {
  const [main] = title.split(/[:;([]|\s[–—-]\s/u);
  return main!.trim() === '' ? title : main!;
}
