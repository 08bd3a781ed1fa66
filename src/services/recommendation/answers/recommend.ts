import type { Knowledge } from '../model/knowledge.ts';
import type { ReadingModel } from '../model/reading-model.ts';
import type { Shelf } from '../model/shelf.ts';
import { createStrongest } from '../model/strongest.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';
import { arrange, type Candidate } from './arrange.ts';
import { createRanking, settledBooks, type Evidence, type Ranked } from './rank.ts';

/** Where a recommendation comes from, most telling first. */
export type Tier = Evidence['tier'] | 'popular';

export type Reason = {
  readonly kind: 'opened' | 'chosen' | 'wanted' | 'searched' | 'popular';
  /** For readers, such as `because you opened Dracula`. */
  readonly text: string;
  readonly book_id?: number;
  readonly query?: string;
};

export type Recommended = {
  readonly bookId: number;
  /** Above 0, at most 1; higher is better. */
  readonly score: number;
  readonly tier: Tier;
  /** The most telling first; at least one. */
  readonly reasons: readonly Reason[];
};

/** With fewer readers of two books, that they were read together is not told. */
export const fewestReaders = 3;

const candidatesLooked = 150;
const reasonsShown = 3;
/** With so many ranked works the list is full without popular ones. */
const enoughRanked = 100;
const popularLooked = 100;
const popularForMs = 2_000;

/** What a reader might read next. The same knowledge and taste give the same list. */
export function createRecommender(knowledge: Knowledge, clock: () => number): (taste: Taste) => readonly Recommended[] {
  const { model, shelf } = knowledge;
  const rank = createRanking(knowledge, candidatesLooked);
  const popular = createPopularWorks(knowledge, clock);
  return (taste) => {
    const history = historyOf(taste, knowledge);
    const ranked = rank(taste);
    const known = new Set(ranked.map(({ work }) => work));
    const others = (ranked.length < enoughRanked ? popular() : [])
      .filter((work) => !known.has(work) && !history.settled.has(work))
      .map((work, place) => popularWork(work, (ranked.at(-1)?.score ?? 0.01) / (place + 2)));
    const candidates = [...ranked, ...others].flatMap((one) => {
      const hasReason = one.isBeside || model.counts.readersOf(one.work) >= fewestReaders || one.together === 0;
      const bookId = hasReason ? editionOf(model.counts.bookIdOf(one.work), history.language, shelf) : null;
      return bookId === null ? [] : [{ ...one, bookId }];
    });
    return arrange(candidates.map((one) => candidateOf(one, history, shelf))).map((place) => {
      const one = candidates[place]!;
      return { bookId: one.bookId, score: 1 - Math.exp(-one.score), ...reasonsFor(one, knowledge) };
    });
  };
}

type History = {
  readonly settled: ReadonlySet<number>;
  readonly openedBooks: ReadonlySet<number>;
  readonly authors: ReadonlySet<string>;
  readonly recentResults: ReadonlySet<number>;
  readonly language: string | null;
};

function historyOf(taste: Taste, { model, shelf }: Knowledge): History {
  const workOf = (bookId: number): number => model.counts.workOf(model.counts.numberOf(bookId));
  const openedBooks = new Set(settledBooks(taste).flatMap((bookId) => [bookId, ...shelf.editionsOf(bookId)]));
  const books = [...openedBooks].flatMap((bookId) => shelf.bookOf(bookId) ?? []);
  return {
    settled: new Set(settledBooks(taste).map(workOf)),
    openedBooks,
    authors: new Set(books.flatMap(({ authors }) => authors)),
    recentResults: new Set(taste.searches.flatMap(({ bookIds }) => bookIds.map(workOf))),
    language: mostFrequent(books.flatMap(({ language }) => language ?? [])),
  };
}

function mostFrequent(texts: readonly string[]): string | null {
  const counted = [...Map.groupBy(texts, (text) => text)].map(([text, same]) => ({ text, count: same.length }));
  return counted.sort((one, other) => other.count - one.count || (one.text < other.text ? -1 : 1))[0]?.text ?? null;
}

/** The most popular edition in the reader's language; `null` when the shop has none any more. */
function editionOf(bookId: number, language: string | null, shelf: Shelf): number | null {
  const all = shelf.editionsOf(bookId);
  if (all.length === 1) return shelf.bookOf(all[0]!) === null ? null : all[0]!;
  const editions = all.flatMap((id) => {
    const book = shelf.bookOf(id);
    return book === null ? [] : [{ id, ...book, isReadable: language !== null && book.language === language }];
  });
  const [best] = editions.sort(
    (one, other) =>
      Number(other.isReadable) - Number(one.isReadable) || other.popularity - one.popularity || one.id - other.id,
  );
  return best?.id ?? null;
}

type Described = Ranked & { readonly bookId: number };

function candidateOf({ work, bookId, together }: Described, history: History, shelf: Shelf): Candidate {
  const { authors, place } = shelf.bookOf(bookId)!;
  return {
    authors,
    isByNewAuthor: authors.length > 0 && !authors.some((author) => history.authors.has(author)),
    isReadTogether: together > 0,
    isRecentResult: history.recentResults.has(work),
    isLaterVolume: place !== null && place.number !== nextVolume(place.series, history.openedBooks, shelf),
  };
}

/** The first volume the reader has not had behind the first they have had, or else the first at all. */
function nextVolume(series: string, opened: ReadonlySet<number>, shelf: Shelf): number {
  const volumes = [...shelf.seriesOf(series)].filter(([, books]) => books.size > 0);
  const isOpened = (books: ReadonlySet<number>): boolean => books.values().some((bookId) => opened.has(bookId));
  const had = volumes.filter(([, books]) => isOpened(books)).map(([number]) => number);
  const left = volumes.filter(([, books]) => !isOpened(books)).map(([number]) => number);
  const behind = left.filter((number) => number > Math.min(...had));
  return Math.min(...(behind.length > 0 ? behind : left));
}

function reasonsFor(ranked: Ranked, { model, shelf }: Knowledge): Pick<Recommended, 'tier' | 'reasons'> {
  const { counts } = model;
  const told = ranked.evidence().filter(({ tier, weight, source }) => {
    if (weight <= 0) return false;
    if (tier !== 'read-together' || !('bookId' in source)) return true;
    return counts.pairs.get(counts.workOf(counts.numberOf(source.bookId)), ranked.work) >= fewestReaders;
  });
  const sorted = told.toSorted((one, other) => other.weight - one.weight);
  const reasons = new Map(sorted.map(({ source }) => reasonFor(source, shelf)).map((reason) => [reason.text, reason]));
  if (sorted[0] !== undefined) return { tier: sorted[0].tier, reasons: [...reasons.values()].slice(0, reasonsShown) };
  const readers = counts.readersOf(ranked.work);
  if (readers >= fewestReaders) {
    return { tier: 'popular', reasons: [{ kind: 'popular', text: `${readers} readers have it` }] };
  }
  return { tier: 'popular', reasons: [{ kind: 'popular', text: 'many readers have it' }] };
}

function reasonFor(source: Evidence['source'], shelf: Shelf): Reason {
  if ('query' in source) {
    return { kind: 'searched', text: `because you searched “${source.query}”`, query: source.query };
  }
  const { bookId, strength } = source;
  const title = shelf.bookOf(bookId)?.title ?? 'a book like it';
  const did = strength >= strengths.wanted ? 'want to read' : strength >= strengths.chosen ? 'chose' : 'opened';
  const kind = did === 'want to read' ? 'wanted' : did === 'chose' ? 'chosen' : 'opened';
  return { kind, text: `because you ${did} ${title}`, book_id: bookId };
}

function popularWork(work: number, score: number): Ranked {
  return { work, score, together: 0, isBeside: false, evidence: () => [] };
}

/**
 * The works most readers have, then those the catalogue calls popular. Counted at most once in two seconds, unless books
 * came or went.
 */
function createPopularWorks({ model, shelf }: Knowledge, clock: () => number): () => readonly number[] {
  let counted: readonly number[] = [];
  let untilMs = Number.NEGATIVE_INFINITY;
  let size = 0;
  return () => {
    if (clock() < untilMs && shelf.size() === size) return counted;
    const { counts } = model;
    const catalogue = shelf.mostPopular().map((bookId) => counts.workOf(counts.numberOf(bookId)));
    counted = [...new Set([...mostRead(model), ...catalogue])].slice(0, popularLooked);
    untilMs = clock() + popularForMs;
    size = shelf.size();
    return counted;
  };
}

function mostRead({ counts }: ReadingModel): readonly number[] {
  const strongest = createStrongest(popularLooked, (one, other) => counts.orderOf(one) < counts.orderOf(other));
  for (let work = 0; work < counts.size(); work++) {
    if (counts.readersOf(work) > 0) strongest.offer(work, counts.readersOf(work));
  }
  return [...strongest.works()].sort(
    (one, other) => counts.readersOf(other) - counts.readersOf(one) || counts.orderOf(one) - counts.orderOf(other),
  );
}
