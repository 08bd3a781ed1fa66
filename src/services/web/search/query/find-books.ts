import { countingKey } from '../../../../text/words.ts';
import { bookAt, wholeMark } from '../index/book-row.ts';
import { anyBook, mostCounted, type BookFacts, type IndexReader } from '../index/read-index.ts';
import type { Vocabulary } from './vocabulary.ts';
import {
  countChosenFacets,
  createFilter,
  facetsOf,
  narrowed,
  valuesPerFacet,
  type Facets,
  type SearchFilters,
} from './facets.ts';
import { parseQuery, type ParsedQuery, type QueryWord, type Reading } from './parse-query.ts';
import { planSearch, rankedCandidates, type SearchPlan } from './plan-search.ts';
import { rankBooks, spellingIn, type RankedMatch } from './rank-books.ts';
import { sortBooks, sortedPlaces } from './sort-books.ts';

export const searchSorts = ['relevance', 'popularity', 'newest', 'oldest', 'title'] as const;
export type SearchSort = (typeof searchSorts)[number];

export type SearchRequest = {
  /** At most 200 characters; `''` finds all books, most popular first. */
  readonly text: string;
  readonly offset: number;
  readonly limit: number;
  readonly filters?: SearchFilters | undefined;
  readonly sort?: SearchSort | undefined;
  readonly withFacets?: boolean | undefined;
  /** Search for the words as typed and no others. */
  readonly exact?: boolean | undefined;
};

export type FoundBooks = {
  readonly query: ParsedQuery;
  /** The words that were searched: those of the query without the dropped ones, and their corrections. */
  readonly words: () => readonly QueryWord[];
  /** One page, best first. */
  readonly bookIds: readonly number[];
  readonly total: number;
  /** False: there are at least `total`. */
  readonly totalIsExact: boolean;
  /** Words left out because no book has all words, in the form of the index. */
  readonly dropped: readonly string[];
  /** The query as the best book spells it; `null` when nothing was corrected. */
  readonly corrected: string | null;
  /** `null` unless asked for. */
  readonly facets: Facets | null;
};

/** The most matches that are counted, filtered by name and used for facets. */
const countedMatches = mostCounted - 1;
/** How many of the most popular matches are checked for language and year. */
const scannedMatches = 10_000;

/** Finds the books for a query, and says how the query was corrected or shortened for that. */
export function findBooks(index: IndexReader, vocabulary: Vocabulary | null, request: SearchRequest): FoundBooks {
  const query = parseQuery(request.text);
  if (query.text === '' && isSimple(request)) return allBooks(index, query, request);
  if (query.isbn !== null) {
    const place = index.byIsbn(query.isbn);
    if (place !== null) return theseBooks(query, [place], request);
  }
  if (query.words.length === 0 && query.text !== '') {
    const mark = wholeMark(countingKey(query.text));
    return theseBooks(query, index.match(`"${mark}"`, rankedCandidates), request);
  }
  const plan = query.text === '' ? allOfThem : planSearch(index, vocabulary, query, request.exact ?? false);
  if (isSimple(request)) return findSimply(index, query, plan, request);
  const isByRelevance = request.filters === undefined && (request.sort ?? 'relevance') === 'relevance';
  return isByRelevance && query.text !== ''
    ? findWithFacets(index, query, plan, request)
    : findByFacts(index, query, plan, request);
}

const allOfThem: SearchPlan = {
  readings: [],
  expression: () => '',
  places: [],
  matches: [],
  count: 0,
  isWhole: true,
  dropped: [],
};

function isSimple({ filters, sort = 'relevance', withFacets = false }: SearchRequest): boolean {
  return filters === undefined && sort === 'relevance' && !withFacets;
}

function findSimply(
  index: IndexReader,
  query: ParsedQuery,
  plan: SearchPlan,
  { offset, limit }: SearchRequest,
): FoundBooks {
  const ranked = rankBooks(index.ranked(plan.places), plan.readings);
  const isCut = plan.count > plan.places.length;
  const bookIds: number[] = [];
  for (let at = offset; at < Math.min(ranked.length, offset + limit); at++) bookIds.push(ranked[at]!.book.id);
  if (isCut && offset + limit > ranked.length) {
    const met = new Set(plan.places);
    const skipped = Math.max(0, offset - ranked.length);
    const more = index.match(plan.expression(), offset + limit + met.size).filter((place) => !met.has(place));
    bookIds.push(...more.slice(skipped, skipped + limit - bookIds.length).map(bookAt));
  }
  const { total, totalIsExact } = totalOf(isCut ? plan.count : ranked.length);
  return {
    query,
    words: wordsWhenAsked(plan),
    bookIds,
    total,
    totalIsExact: totalIsExact && plan.isWhole,
    dropped: plan.dropped,
    corrected: correctedBy(ranked),
    facets: null,
  };
}

/** Reads only what facets need of the books that are not ranked. */
function findWithFacets(
  index: IndexReader,
  query: ParsedQuery,
  plan: SearchPlan,
  { offset, limit }: SearchRequest,
): FoundBooks {
  const ranked = rankBooks(index.ranked(plan.places), plan.readings);
  const counted = plan.matches.slice(0, countedMatches);
  const places = inRankedOrder(ranked, counted, false);
  return {
    query,
    words: wordsWhenAsked(plan),
    bookIds: places.slice(offset, offset + limit).map(bookAt),
    total: counted.length,
    totalIsExact: plan.matches.length <= countedMatches && plan.isWhole,
    dropped: plan.dropped,
    corrected: correctedBy(ranked),
    facets: facetsOf(index.facetCounts(counted, valuesPerFacet)),
  };
}

/** The slower way, for filters and other orders. */
function findByFacts(
  index: IndexReader,
  query: ParsedQuery,
  plan: SearchPlan,
  { offset, limit, filters, sort = 'relevance', withFacets = false }: SearchRequest,
): FoundBooks {
  const expression = narrowed(plan.expression(), filters);
  const conditions = { languages: filters?.languages ?? [], from: filters?.from ?? null, to: filters?.to ?? null };
  const isMet = createFilter(filters);
  const isFiltered = filters !== undefined;
  const ranked = query.text === '' ? [] : rankBooks(index.ranked(plan.places), plan.readings);
  const all = query.text !== '' && plan.count <= plan.places.length ? plan.places.toSorted((a, b) => a - b) : null;
  const unfiltered = (): readonly BookFacts[] =>
    query.text === '' ? index.facts('', anyBook, mostCounted) : index.factsAt(plan.matches, anyBook);
  const filtered = (): readonly BookFacts[] =>
    all === null ? index.facts(expression, conditions, scannedMatches) : index.factsAt(all, conditions);
  const facts = isFiltered ? filtered().filter(isMet) : unfiltered();
  const counted = facts.slice(0, countedMatches);
  const isCut = all === null && isFiltered && index.hasMoreThan(expression, scannedMatches);
  const inOrder = (): readonly number[] => {
    const places = counted.map(({ place }) => place);
    if (sort === 'relevance') return inRankedOrder(ranked, places, isFiltered);
    if (sort === 'popularity') return places;
    if (all !== null) return sortBooks(facts, sort).map(({ place }) => place);
    return sortedPlaces(index, expression, conditions, isMet, sort);
  };
  // A facet with a chosen value still shows its other values.
  const base = isFiltered && withFacets ? unfiltered().slice(0, countedMatches) : counted;
  return {
    query,
    words: wordsWhenAsked(plan),
    bookIds: inOrder()
      .slice(offset, offset + limit)
      .map(bookAt),
    total: counted.length,
    totalIsExact: facts.length <= countedMatches && !isCut && plan.isWhole,
    dropped: plan.dropped,
    corrected: correctedBy(ranked),
    facets: withFacets ? countChosenFacets(base, filters) : null,
  };
}

/** The ranked books that pass the filters first, then the others in order of popularity. */
function inRankedOrder(
  ranked: readonly RankedMatch[],
  counted: readonly number[],
  isFiltered: boolean,
): readonly number[] {
  const wanted = new Set(counted);
  const best = ranked.map(({ book }) => book.place).filter((place) => wanted.delete(place) || !isFiltered);
  return [...best, ...wanted];
}

/** Results are remembered: they must not keep the plan's places. */
function wordsWhenAsked({ readings }: SearchPlan): () => readonly QueryWord[] {
  return () => wordsOf(readings);
}

/** The spelling of the best book; `null` if it was found as typed. */
function correctedBy([best]: readonly RankedMatch[]): string | null {
  if (best === undefined) return null;
  const { book, reading } = best;
  if (reading.phrase !== null || reading.initials !== null) return null;
  const spelling = spellingIn(book, reading);
  return spelling === reading.slots.map(({ typed }) => typed).join(' ') ? null : spelling;
}

function wordsOf(readings: readonly Reading[]): readonly QueryWord[] {
  const words = new Map<string, QueryWord>();
  for (const { slots } of readings) {
    for (const { only, alternatives } of slots) {
      for (const alternative of alternatives) {
        for (const { word, prefix } of alternative.words)
          words.set(`${word} ${prefix} ${only}`, { word, prefix, only });
      }
    }
  }
  return [...words.values()];
}

const noWords = (): readonly QueryWord[] => [];
const noFacets: Facets = { author: [], subject: [], language: [] };

function allBooks(index: IndexReader, query: ParsedQuery, { offset, limit }: SearchRequest): FoundBooks {
  const bookIds = index.mostPopular(limit, offset).map(bookAt);
  return { query, words: noWords, bookIds, ...totalOf(index.count()), dropped: [], corrected: null, facets: null };
}

function theseBooks(
  query: ParsedQuery,
  places: readonly number[],
  { offset, limit, withFacets = false }: SearchRequest,
): FoundBooks {
  return {
    query,
    words: noWords,
    bookIds: places.slice(offset, offset + limit).map(bookAt),
    ...totalOf(places.length),
    dropped: [],
    corrected: null,
    facets: withFacets ? noFacets : null,
  };
}

function totalOf(counted: number): { total: number; totalIsExact: boolean } {
  return { total: Math.min(counted, countedMatches), totalIsExact: counted <= countedMatches };
}
