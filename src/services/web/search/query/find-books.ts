import { countFacets, createNameCheck, sortByYear, type Facets } from './book-facts.ts';
import { keepMatchingWords } from './drop-words.ts';
import { foldText } from '../../../../text/fold.ts';
import { matchExpression, parseQuery, wordsIn, type ParsedQuery, type QueryWord } from './parse-query.ts';
import { matchWords } from './match-words.ts';
import { rankBooks } from './rank-books.ts';
import type { BookFacts, FactConditions } from '../index/read-facts.ts';
import { mostCounted, type IndexReader } from '../index/read-index.ts';

export const searchSorts = ['relevance', 'popularity', 'newest', 'oldest', 'title'] as const;
export type SearchSort = (typeof searchSorts)[number];

/** `null`: any. Names and subjects are compared as `plainWords` has them, years include both ends. */
export type SearchFilters = {
  readonly author: string | null;
  readonly subject: string | null;
  readonly language: string | null;
  readonly from: number | null;
  readonly to: number | null;
};

export type SearchRequest = {
  /** At most 200 characters; `''` finds all books, most popular first. */
  readonly text: string;
  readonly offset: number;
  readonly limit: number;
  readonly filters?: SearchFilters;
  readonly sort?: SearchSort;
  readonly withFacets?: boolean;
};

export type FoundBooks = {
  readonly query: ParsedQuery;
  /** The words it was searched with: those of the query less the dropped ones. */
  readonly words: readonly QueryWord[];
  /** One page, best first. */
  readonly bookIds: readonly number[];
  readonly total: number;
  /** False: there are at least `total`. */
  readonly totalIsExact: boolean;
  /** Words left out because no book has all of them, as the index knows them. */
  readonly dropped: readonly string[];
  /** `null` unless asked for. */
  readonly facets: Facets | null;
};

/** How many of the most popular matches are ranked; what comes after them stays in order of popularity. */
const rankedCandidates = 200;
/** How far matches are counted, filtered by name, sorted and gathered into facets. */
const countedMatches = mostCounted - 1;
/** How many of the most popular matches are looked at for conditions on language and year. */
const scannedMatches = 10_000;

const noFilters: SearchFilters = { author: null, subject: null, language: null, from: null, to: null };

/** Finds the books that have all words, or, when no book has, as many of the words as any book has. */
export function findBooks(index: IndexReader, request: SearchRequest): FoundBooks {
  const query = parseQuery(request.text);
  if (query.text === '' && isSimple(request)) return allBooks(index, query, request);
  if (query.isbn !== null) {
    const id = index.byIsbn(query.isbn);
    if (id !== null) return theseBooks(query, [id], request);
  }
  if (query.words.length === 0 && query.text !== '') return theseBooks(query, [], request);
  const find = isSimple(request) ? findSimply : findByFacts;
  const typed = query.words.map((word) => withKnownSymbols(index, word));
  const found = find(index, query, typed, request);
  if (found.total > 0 || typed.length < 2) return found;
  const words = keepMatchingWords(typed, {
    matches: (some) => index.hasMoreThan(matchExpression(some), 0),
    frequency: (word) => index.places([word]).length,
  });
  if (words.length === 0 || words.length === typed.length) return found;
  const dropped = typed.filter((word) => !words.includes(word)).map(({ word }) => word);
  return { ...find(index, { ...query, phrase: words.map(({ word }) => word).join(' ') }, words, request), dropped };
}

/** “c++” is the word as typed; “ab+”, which no book has, is “ab”. */
function withKnownSymbols(index: IndexReader, word: QueryWord): QueryWord {
  const letters = word.word.replaceAll(/[.+#]/g, '');
  return letters === word.word || index.places([word]).length > 0 ? word : { ...word, word: letters };
}

function isSimple({ filters = noFilters, sort = 'relevance', withFacets = false }: SearchRequest): boolean {
  const { author, subject, language, from, to } = filters;
  const unfiltered = author === null && subject === null && language === null && from === null && to === null;
  return unfiltered && sort === 'relevance' && !withFacets;
}

function findSimply(
  index: IndexReader,
  query: ParsedQuery,
  words: readonly QueryWord[],
  { offset, limit }: SearchRequest,
): FoundBooks {
  const { books: candidates, count } = matchWords(index, words, rankedCandidates);
  const hasMore = candidates.length === rankedCandidates;
  const bookIds: number[] = [];
  if (offset < candidates.length) {
    for (const { id } of rankBooks(candidates, query.phrase, words).slice(offset, offset + limit)) bookIds.push(id);
  }
  if (hasMore && offset + limit > rankedCandidates) {
    const from = Math.max(offset, rankedCandidates);
    bookIds.push(...index.match(matchExpression(words), offset + limit - from, from));
  }
  return { query, words, bookIds, ...totalOf(hasMore ? count : candidates.length), dropped: [], facets: null };
}

/** The longer way, for filters, other orders and facets: over what is known of the first thousand matches. */
function findByFacts(
  index: IndexReader,
  query: ParsedQuery,
  words: readonly QueryWord[],
  { offset, limit, filters = noFilters, sort = 'relevance', withFacets = false }: SearchRequest,
): FoundBooks {
  const { author, subject, language, from, to } = filters;
  const expression = matchExpression([...words, ...wordsIn('author', author), ...wordsIn('subjects', subject)]);
  const conditions = { language: language === null ? null : foldText(language), from, to };
  const scanned = index.facts(expression, conditions, countedMatches + 1, scannedMatches);
  const hasMore = scanned.length > countedMatches || mayHaveMore(index, expression, conditions);
  const facts = scanned.slice(0, countedMatches).filter(createNameCheck(author, subject));
  return {
    query,
    words,
    bookIds: inOrder(index, facts, query, words, sort).slice(offset, offset + limit),
    total: facts.length,
    totalIsExact: !hasMore,
    dropped: [],
    facets: withFacets ? countFacets(facts) : null,
  };
}

/** Conditions on language and year are checked on the first matches only. */
function mayHaveMore(index: IndexReader, expression: string, { language, from, to }: FactConditions): boolean {
  if (language === null && from === null && to === null) return false;
  return index.hasMoreThan(expression, scannedMatches);
}

function inOrder(
  index: IndexReader,
  facts: readonly BookFacts[],
  query: ParsedQuery,
  words: readonly QueryWord[],
  sort: SearchSort,
): readonly number[] {
  if (sort === 'newest' || sort === 'oldest') return sortByYear(facts, sort);
  const ids = facts.map(({ id }) => id);
  if (sort === 'title') {
    return [...index.ranked(ids)].sort((a, b) => (a.title < b.title ? -1 : 1)).map(({ id }) => id);
  }
  if (sort === 'popularity' || words.length === 0) return ids;
  const best = rankBooks(index.ranked(ids.slice(0, rankedCandidates)), query.phrase, words).map(({ id }) => id);
  return [...best, ...ids.slice(rankedCandidates)];
}

function allBooks(index: IndexReader, query: ParsedQuery, { offset, limit }: SearchRequest): FoundBooks {
  const bookIds = index.mostPopular(limit, offset);
  return { query, words: [], bookIds, ...totalOf(index.count()), dropped: [], facets: null };
}

function theseBooks(
  query: ParsedQuery,
  ids: readonly number[],
  { offset, limit, withFacets = false }: SearchRequest,
): FoundBooks {
  const facets = withFacets ? countFacets([]) : null;
  return { query, words: [], bookIds: ids.slice(offset, offset + limit), ...totalOf(ids.length), dropped: [], facets };
}

function totalOf(counted: number): { total: number; totalIsExact: boolean } {
  return { total: Math.min(counted, countedMatches), totalIsExact: counted <= countedMatches };
}
