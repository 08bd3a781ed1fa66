import type { Knowledge } from '../model/knowledge.ts';
import type { ReaderCounts } from '../model/reader-counts.ts';
import type { ReadingModel } from '../model/reading-model.ts';
import type { BookTitle, ShopBooks } from '../model/shop-books.ts';
import { createMarks, createStrongest, type Marks } from '../model/by-number.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';
import { arrange, type Candidate } from './arrange.ts';
import { createRanking, type Evidence, type Ranked, type Ranking } from './rank.ts';

/** Where a recommendation comes from, the strongest first. */
export type Tier = Evidence['tier'] | 'popular';

export type Reason = {
  readonly kind: 'opened' | 'chosen' | 'wanted' | 'searched' | 'popular';
  /** For readers, such as `because you opened Dracula`. */
  readonly text: string;
  readonly book_id?: number;
  readonly query?: string;
};

export type Recommended = BookTitle & {
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
  const { model, shopBooks } = knowledge;
  const rank = createRanking(knowledge, candidatesLooked);
  const popular = createPopularWorks(knowledge, clock);
  const readHistory = createHistory(knowledge);
  return (taste) => {
    const ranking = rank(taste);
    const history = readHistory(taste, ranking);
    const describe = createDescription(history, shopBooks);
    const ranked = ranking.works.flatMap((one) => describe(one, false) ?? []);
    const list = arrange(
      ranked,
      () => popularBehind(ranking, popular(), history).flatMap((one) => describe(one, true) ?? []),
      {
        authorsOf: ({ number }) => {
          const authors: number[] = [];
          shopBooks.authors.each(number, (author) => authors.push(author));
          return authors;
        },
        isLaterVolume: ({ number }) => {
          const place = shopBooks.placeOf(number);
          return place !== null && place.number !== nextVolume(shopBooks.seriesOf(place.series), history.opened);
        },
        canBeTold: (one) => canBeTold(one, ranking),
      },
    );
    return list.map((one) => {
      const { work, number, score, isPopular } = one;
      const { title, author } = shopBooks.bookOf(number)!;
      const told = isPopular ? popularReason(model.counts.readersOf(work)) : reasonsFor(one, ranking, knowledge);
      return { bookId: model.counts.bookIdOf(number), title, author, score: 1 - Math.exp(-score), ...told };
    });
  };
}

type Told = Pick<Recommended, 'tier' | 'reasons'>;
type Described = Candidate &
  Ranked & {
    /** Of the edition that is shown. */
    readonly number: number;
    readonly isPopular: boolean;
  };

/** @returns a function that returns null for a work that the shop no longer has. */
function createDescription(history: History, shopBooks: ShopBooks) {
  return (ranked: Ranked, isPopular: boolean): Described | null => {
    const { work, score, together, hasOther } = ranked;
    const number = shopBooks.editionOf(work, history.language);
    if (number === -1) return null;
    let isBySomebody = false;
    const isByKnownAuthor = shopBooks.authors.some(number, (author) => {
      isBySomebody = true;
      return history.authors.has(author);
    });
    return {
      work,
      score,
      together,
      hasOther,
      number,
      isPopular,
      isReadTogether: together > 0,
      isByNewAuthor: isBySomebody && !isByKnownAuthor,
      isRecentResult: history.recentResults.has(work),
    };
  };
}

/**
 * Popular works that have no other reason that may be shown. That a book is popular may always be shown, so `hasOther`
 * is true. Their scores are below those of the ranking.
 */
function popularBehind(ranking: Ranking, popular: readonly number[], { settled }: History): readonly Ranked[] {
  const told = new Set(ranking.works.filter((one) => canBeTold(one, ranking)).map(({ work }) => work));
  const least = ranking.works.at(-1)?.score ?? 0.01;
  return popular
    .filter((work) => !settled.has(work) && !told.has(work))
    .map((work, rank) => ({ work, score: least / (rank + 2), together: 0, hasOther: true }));
}

/** Whether there is a reason that may be shown. */
function canBeTold(ranked: Ranked, { evidence }: Ranking): boolean {
  if (ranked.hasOther) return true;
  for (const { weight } of evidence(ranked, fewestReaders)) if (weight > 0) return true;
  return false;
}

/** What a reader did, by numbers. */
type History = {
  /** Works. */
  readonly settled: Marks;
  /** Books, with all editions of their works. */
  readonly opened: Marks;
  readonly authors: Marks;
  /** Works. */
  readonly recentResults: Marks;
  readonly language: string | null;
};

/** @returns a function whose result is valid until its next call. */
function createHistory({ model: { counts }, shopBooks }: Knowledge): (taste: Taste, ranking: Ranking) => History {
  const [settled, opened, authors, recentResults] = [createMarks(), createMarks(), createMarks(), createMarks()];
  return (taste, ranking) => {
    for (const marks of [settled, opened, authors, recentResults]) marks.clear();
    const languages = new Map<string | null, number>();
    const open = (number: number): void => {
      if (opened.has(number)) return;
      opened.add(number);
      shopBooks.authors.each(number, authors.add);
      const language = shopBooks.languageOf(number);
      languages.set(language, (languages.get(language) ?? 0) + 1);
    };
    for (const number of ranking.settled) {
      settled.add(counts.workOf(number));
      open(number);
      for (const edition of shopBooks.editionsOf(number)) open(edition);
    }
    for (const number of taste.searches.flatMap(({ bookIds }) => bookIds.map(counts.numberOf))) {
      if (number !== -1) recentResults.add(counts.workOf(number));
    }
    return { settled, opened, authors, recentResults, language: mostFrequent(languages) };
  };
}

/** The text with the greatest count; ties: the first. */
function mostFrequent(counted: ReadonlyMap<string | null, number>): string | null {
  const told = [...counted].flatMap(([text, times]) => (text === null ? [] : [{ text, times }]));
  return told.sort((one, other) => other.times - one.times || (one.text < other.text ? -1 : 1))[0]?.text ?? null;
}

/** The first unread volume after the first one the reader has had; else the first volume of the series. */
function nextVolume(volumes: ReadonlyMap<number, ReadonlySet<number>>, opened: Marks): number {
  const present = [...volumes].filter(([, books]) => books.size > 0);
  const isOpened = (books: ReadonlySet<number>): boolean => books.values().some(opened.has);
  const had = present.filter(([, books]) => isOpened(books)).map(([number]) => number);
  const left = present.filter(([, books]) => !isOpened(books)).map(([number]) => number);
  const behind = left.filter((number) => number > Math.min(...had));
  return Math.min(...(behind.length > 0 ? behind : left));
}

/** Only for a work with evidence that may be shown. */
function reasonsFor(ranked: Ranked, ranking: Ranking, { model: { counts }, shopBooks }: Knowledge): Told {
  const told = [...ranking.evidence(ranked, fewestReaders)].filter(({ weight }) => weight > 0);
  const sorted = told.sort((one, other) => other.weight - one.weight);
  const reasons = new Map<string, Reason>();
  for (const { source } of sorted) {
    const reason = reasonFor(source, counts, shopBooks);
    if (!reasons.has(reason.text)) reasons.set(reason.text, reason);
    if (reasons.size === reasonsShown) break;
  }
  return { tier: sorted[0]!.tier, reasons: [...reasons.values()] };
}

function popularReason(readers: number): Told {
  const text = readers >= fewestReaders ? `${readers} readers have it` : 'many readers have it';
  return { tier: 'popular', reasons: [{ kind: 'popular', text }] };
}

function reasonFor(source: Evidence['source'], counts: ReaderCounts, shopBooks: ShopBooks): Reason {
  if ('query' in source) {
    return { kind: 'searched', text: `because you searched “${source.query}”`, query: source.query };
  }
  const { bookId, strength } = source;
  const title = shopBooks.bookOf(counts.numberOf(bookId))?.title ?? 'a book like it';
  const did = strength >= strengths.wanted ? 'want to read' : strength >= strengths.chosen ? 'chose' : 'opened';
  const kind = did === 'want to read' ? 'wanted' : did === 'chose' ? 'chosen' : 'opened';
  return { kind, text: `because you ${did} ${title}`, book_id: bookId };
}

/**
 * The works that most readers have, then those that are popular in the catalogue. Computed again after two seconds, or
 * when books were added or removed.
 */
function createPopularWorks({ model, shopBooks }: Knowledge, clock: () => number): () => readonly number[] {
  let counted: readonly number[] = [];
  let untilMs = Number.NEGATIVE_INFINITY;
  let size = 0;
  return () => {
    if (clock() < untilMs && shopBooks.size() === size) return counted;
    const { counts } = model;
    const catalogue = shopBooks.mostPopular().map(counts.workOf);
    counted = [...new Set([...mostRead(model), ...catalogue])].slice(0, popularLooked);
    untilMs = clock() + popularForMs;
    size = shopBooks.size();
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
