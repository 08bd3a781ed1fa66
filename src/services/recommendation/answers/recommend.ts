import type { Knowledge } from '../model/knowledge.ts';
import type { ReadingModel } from '../model/reading-model.ts';
import type { Shelf } from '../model/shelf.ts';
import { createStrongest } from '../model/scores.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';
import { arrange, type Candidate } from './arrange.ts';
import { createRanking, settledBooks, type Evidence, type Ranked } from './rank.ts';

/** Where a recommendation comes from, the strongest first. */
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
  /** The strongest first; at least one. */
  readonly reasons: readonly Reason[];
};

/** “Read together” is never shown when fewer readers have both books: it could reveal a single reader. */
export const fewestReaders = 3;

const candidatesLooked = 150;
const reasonsShown = 3;
const popularLooked = 100;
const popularForMs = 2_000;

/** What a reader might read next. The same knowledge and taste give the same list. */
export function createRecommender(knowledge: Knowledge, clock: () => number): (taste: Taste) => readonly Recommended[] {
  const rank = createRanking(knowledge, candidatesLooked);
  const popular = createPopularWorks(knowledge, clock);
  return (taste) => {
    const history = historyOf(taste, knowledge);
    const ranked = rank(taste);
    return arrange(remembered(describe(ranked, popular, history, knowledge))).map(({ bookId, score, told }) => {
      return { bookId, score: 1 - Math.exp(-score), ...told() };
    });
  };
}

type Told = Pick<Recommended, 'tier' | 'reasons'>;
type Described = Candidate & { readonly bookId: number; readonly score: number; readonly told: () => Told };

/**
 * Yields the works that can be shown: the ranked ones, if the shop has them and a reason can be shown, then popular
 * ones. Yields them one by one, because only a few are needed.
 */
function* describe(
  ranked: readonly Ranked[],
  popular: () => readonly number[],
  history: History,
  knowledge: Knowledge,
): Generator<Described> {
  const { model, shelf } = knowledge;
  const editionOfWork = (work: number): number | null =>
    editionOf(model.counts.bookIdOf(work), history.language, shelf);
  const shown = new Set(history.settled);
  for (const one of ranked) {
    const { work, score, together } = one;
    const told = one.isBeside ? null : reasonsFor(one, shelf);
    if (told === null && !one.isBeside) continue;
    shown.add(work);
    const bookId = editionOfWork(work);
    if (bookId === null) continue;
    const tell = (): Told => told ?? reasonsFor(one, shelf)!;
    yield { ...candidateOf(work, bookId, together > 0, history, shelf), bookId, score, told: tell };
  }
  const least = ranked.at(-1)?.score ?? 0.01;
  for (const [place, work] of popular()
    .filter((one) => !shown.has(one))
    .entries()) {
    const bookId = editionOfWork(work);
    if (bookId === null) continue;
    const told = (): Told => popularReason(model.counts.readersOf(work));
    yield { ...candidateOf(work, bookId, false, history, shelf), bookId, score: least / (place + 2), told };
  }
}

/** Makes an iterator iterable several times, and takes each value from it once. */
function remembered<Value>(values: Iterator<Value>): Iterable<Value> {
  const known: Value[] = [];
  return {
    *[Symbol.iterator]() {
      for (let at = 0; ; at++) {
        if (at === known.length) {
          const next = values.next();
          if (next.done === true) return;
          known.push(next.value);
        }
        yield known[at]!;
      }
    },
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

/** The most popular edition, in the reader's language if there is one; `null` when the shop has no edition any more. */
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

function candidateOf(work: number, bookId: number, isReadTogether: boolean, history: History, shelf: Shelf): Candidate {
  const { authors, place } = shelf.bookOf(bookId)!;
  return {
    authors,
    isReadTogether,
    isByNewAuthor: authors.length > 0 && !authors.some((author) => history.authors.has(author)),
    isRecentResult: history.recentResults.has(work),
    isLaterVolume: place !== null && place.number !== nextVolume(place.series, history.openedBooks, shelf),
  };
}

/** The first unread volume after the first one the reader has had; else the first volume of the series. */
function nextVolume(series: string, opened: ReadonlySet<number>, shelf: Shelf): number {
  const volumes = [...shelf.seriesOf(series)].filter(([, books]) => books.size > 0);
  const isOpened = (books: ReadonlySet<number>): boolean => books.values().some((bookId) => opened.has(bookId));
  const had = volumes.filter(([, books]) => isOpened(books)).map(([number]) => number);
  const left = volumes.filter(([, books]) => !isOpened(books)).map(([number]) => number);
  const behind = left.filter((number) => number > Math.min(...had));
  return Math.min(...(behind.length > 0 ? behind : left));
}

/** @returns null when no evidence may be shown. With `isBeside` there is always some. */
function reasonsFor(ranked: Ranked, shelf: Shelf): Told | null {
  const told = ranked.evidence(fewestReaders).filter(({ weight }) => weight > 0);
  const sorted = told.sort((one, other) => other.weight - one.weight);
  if (sorted[0] === undefined) return null;
  const reasons = new Map<string, Reason>();
  for (const { source } of sorted) {
    const reason = reasonFor(source, shelf);
    if (!reasons.has(reason.text)) reasons.set(reason.text, reason);
    if (reasons.size === reasonsShown) break;
  }
  return { tier: sorted[0].tier, reasons: [...reasons.values()] };
}

function popularReason(readers: number): Told {
  const text = readers >= fewestReaders ? `${readers} readers have it` : 'many readers have it';
  return { tier: 'popular', reasons: [{ kind: 'popular', text }] };
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

/**
 * The works that most readers have, then those that are popular in the catalogue. Computed again after two seconds, or
 * when books were added or removed.
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
