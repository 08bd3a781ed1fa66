import { authorKeys } from '../../../text/authors.ts';
import type { Neighbour } from '../model/content-neighbours.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';

/** Where a recommendation comes from, most telling first. */
export type Tier = 'similar' | 'searched' | 'popular';

export type Reason = {
  readonly kind: 'opened' | 'chosen' | 'wanted' | 'searched' | 'popular';
  /** For readers, e.g. `because you opened Dracula`. */
  readonly text: string;
  readonly book_id?: number;
  readonly query?: string;
};

export type Recommended = {
  readonly bookId: number;
  /** Above 0, at most 1; higher is better. */
  readonly score: number;
  readonly tier: Tier;
  /** The most telling first. */
  readonly reasons: readonly Reason[];
};

/** What the shop knows about books. */
export type Shelf = {
  readonly neighbours: (bookId: number, limit: number) => readonly Neighbour[];
  readonly titleOf: (bookId: number) => { readonly title: string; readonly author: string } | null;
  /** Most read first. */
  readonly popular: readonly number[];
};

const most = 10;
const sameAuthorAtMost = 2;
const reasonsShown = 3;
const seeds = { books: 20, searches: 8, resultsPerSearch: 3, neighbours: 40 };
/** How much less each older book or search of a reader counts. */
const decay = { books: 0.9, searches: 0.8, results: 0.85 };
/** A result of a reader's own search against a book like it. */
const shares = { result: 0.5, nearResult: 0.4 };

type Evidence = { readonly tier: Tier; readonly weight: number; readonly reason: Reason };

/**
 * What a reader might read next: books like those they opened, chose or wanted, then what their searches found and
 * books like that, then what others read. Opened, wanted and dismissed books are left out; the same in, the same out.
 */
export function recommend(taste: Taste, shelf: Shelf): readonly Recommended[] {
  const evidence = new Map<number, Evidence[]>();
  const known = new Set([...taste.met, ...taste.verdicts.map(({ bookId }) => bookId)]);
  const add = (bookId: number, item: Evidence): void => {
    if (known.has(bookId) || item.weight <= 0) return;
    const items = evidence.get(bookId);
    if (items === undefined) evidence.set(bookId, [item]);
    else items.push(item);
  };
  addSimilar(taste, shelf, add);
  addSearched(taste, shelf, add);
  const ranked = [...evidence]
    .map(([bookId, items]) => weigh(bookId, items))
    .sort((one, other) => other.score - one.score || one.bookId - other.bookId);
  const floor = ranked.at(-1)?.score ?? 1;
  const popular = shelf.popular
    .filter((bookId) => !known.has(bookId) && !evidence.has(bookId))
    .map((bookId, rank): Recommended => {
      const reasons: readonly Reason[] = [{ kind: 'popular', text: 'many readers have it' }];
      return { bookId, score: Math.min(floor, 0.01) / (rank + 1), tier: 'popular', reasons };
    });
  return varied([...ranked, ...popular], shelf);
}

function addSimilar({ liked, verdicts }: Taste, shelf: Shelf, add: (bookId: number, item: Evidence) => void): void {
  const wanted = verdicts
    .filter(({ verdict }) => verdict === 'wanted')
    .map(({ bookId, time }) => ({ bookId, time, strength: strengths.wanted as number }));
  const dismissed = new Set(verdicts.filter(({ verdict }) => verdict === 'dismissed').map(({ bookId }) => bookId));
  const strongest = new Map<number, { bookId: number; time: number; strength: number }>();
  for (const like of [...liked, ...wanted]) {
    const before = strongest.get(like.bookId);
    strongest.set(like.bookId, {
      bookId: like.bookId,
      strength: Math.max(like.strength, before?.strength ?? 0),
      time: Math.max(like.time, before?.time ?? like.time),
    });
  }
  const latest = [...strongest.values()]
    .filter(({ bookId }) => !dismissed.has(bookId))
    .sort((one, other) => other.time - one.time || one.bookId - other.bookId);
  for (const [rank, { bookId, strength }] of latest.slice(0, seeds.books).entries()) {
    const weight = (strength / strengths.wanted) * decay.books ** rank;
    const reason = likedReason(bookId, strength, shelf);
    for (const neighbour of shelf.neighbours(bookId, seeds.neighbours)) {
      add(neighbour.bookId, { tier: 'similar', weight: weight * neighbour.similarity, reason });
    }
  }
}

function addSearched({ searches }: Taste, shelf: Shelf, add: (bookId: number, item: Evidence) => void): void {
  for (const [rank, { query, bookIds }] of searches.slice(0, seeds.searches).entries()) {
    const weight = decay.searches ** rank;
    const reason: Reason = { kind: 'searched', text: `because you searched “${query}”`, query };
    for (const [place, bookId] of bookIds.entries()) {
      const found = weight * decay.results ** place;
      add(bookId, { tier: 'searched', weight: shares.result * found, reason });
      if (place >= seeds.resultsPerSearch) continue;
      for (const neighbour of shelf.neighbours(bookId, seeds.neighbours)) {
        add(neighbour.bookId, { tier: 'searched', weight: shares.nearResult * found * neighbour.similarity, reason });
      }
    }
  }
}

function likedReason(bookId: number, strength: number, shelf: Shelf): Reason {
  const title = shelf.titleOf(bookId)?.title ?? 'a book like it';
  if (strength >= strengths.wanted)
    return { kind: 'wanted', text: `because you want to read ${title}`, book_id: bookId };
  const kind = strength >= strengths.chosen ? 'chosen' : 'opened';
  return { kind, text: `because you ${kind === 'chosen' ? 'chose' : 'opened'} ${title}`, book_id: bookId };
}

/** All evidence for a book together; 1 − e^−x keeps any amount of it below 1. */
function weigh(bookId: number, items: readonly Evidence[]): Recommended {
  const sorted = items.toSorted((one, other) => other.weight - one.weight);
  const total = items.reduce((sum, { weight }) => sum + weight, 0);
  const reasons = new Map(sorted.map(({ reason }) => [reason.text, reason] as const));
  return {
    bookId,
    score: 1 - Math.exp(-total),
    tier: sorted[0]?.tier ?? 'popular',
    reasons: [...reasons.values()].slice(0, reasonsShown),
  };
}

/** The first ten of which at most two are by one author, without books that are gone. */
function varied(ranked: readonly Recommended[], shelf: Shelf): readonly Recommended[] {
  const byAuthor = new Map<string, number>();
  const chosen: Recommended[] = [];
  for (const recommended of ranked) {
    if (chosen.length === most) break;
    const book = shelf.titleOf(recommended.bookId);
    if (book === null) continue;
    const authors = authorKeys(book.author);
    if (authors.some((author) => (byAuthor.get(author) ?? 0) >= sameAuthorAtMost)) continue;
    for (const author of new Set(authors)) byAuthor.set(author, (byAuthor.get(author) ?? 0) + 1);
    chosen.push(recommended);
  }
  return chosen;
}
