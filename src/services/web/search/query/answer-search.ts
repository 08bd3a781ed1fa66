import { SamsaError } from '../../../../errors.ts';
import type { Book } from '../../../../events/book.ts';
import { longestQuery } from '../../../../events/book-searched.ts';
import { isBlank } from '../../../../text/words.ts';
import type { Facets, SearchFilters } from './facets.ts';
import type { SearchSort } from './find-books.ts';
import type { QueryWord } from './parse-query.ts';
import type { SendEvent } from '../publish-search.ts';
import type { SearchIndex } from '../search-index.ts';

/** Who searches. Weight 1: the search adds this reader to the counts. 0: it only adds to the number of searches. */
export type SearchingReader = { readonly id: string; readonly weight: 0 | 1; readonly place: number | null };

/** The reader of searches that are not recorded. */
export const nobody: SearchingReader = { id: '', weight: 0, place: null };

/** Pages of results end here. */
export const furthestOffset = 10_000;

export type SearchOptions = {
  readonly offset: number;
  readonly limit: number;
  /** Whether this search becomes an event. An empty query never does. */
  readonly record: boolean;
  readonly filters?: SearchFilters;
  readonly sort?: SearchSort;
  readonly withFacets?: boolean;
  /** Search for the words as typed and no others. */
  readonly exact?: boolean;
};

export type SearchAnswer = {
  /** JSON array of the page's books: the answer's bytes and the event's value. */
  readonly value: Buffer;
  /** The same books, parsed at the first call. */
  readonly books: () => readonly Book[];
  readonly total: number;
  /** False: there may be more than `total`. */
  readonly totalIsExact: boolean;
  /** Words of the query that were left out because no book has all of them. */
  readonly dropped: readonly string[];
  /** The spelling searched for instead of the one typed; `null` when it is as typed. */
  readonly corrected: string | null;
  /** The words that matched, for highlights. */
  readonly words: () => readonly QueryWord[];
  readonly facets: Facets | null;
  readonly tookMs: number;
};

/**
 * Searches and sends the event. When it resolves, the event is durable, or waits for a log that cannot be written now.
 * @throws SamsaError `store-unavailable` when the index cannot be read. A failure of the event is never thrown.
 */
export type AnswerSearch = (query: string, reader: SearchingReader, options: SearchOptions) => Promise<SearchAnswer>;

export type AnswerSearchDeps = {
  readonly index: Pick<SearchIndex, 'search'>;
  readonly sendEvent: SendEvent;
};

export function createAnswerSearch(deps: AnswerSearchDeps): AnswerSearch {
  const { index, sendEvent } = deps;
  return async (typed, reader, options) => {
    const started = performance.now();
    // Names every property, because copying all of them takes longer than some searches.
    const { offset, limit, filters, sort, withFacets, exact } = options;
    const found = index.search({ text: typed, offset, limit, filters, sort, withFacets, exact });
    const { value } = found;
    const tookMs = performance.now() - started;
    const { query, total } = found;
    if (options.record && query.text !== '') {
      const context = {
        reader: reader.id,
        weight: reader.weight,
        place: reader.place,
        corrected: found.corrected,
        dropped: found.dropped,
        filtered: isFiltered(options),
        total,
      };
      await sendEvent(query.text, value, context);
    }
    return {
      value,
      books: parsedOnce(value),
      total,
      totalIsExact: found.totalIsExact,
      dropped: found.dropped,
      corrected: found.corrected,
      words: found.words,
      facets: found.facets,
      tookMs,
    };
  };
}

/** Whether an answer differs from the plain first page of its query. */
function isFiltered({ filters, sort = 'relevance', offset }: SearchOptions): boolean {
  return filters !== undefined || sort !== 'relevance' || offset > 0;
}

function parsedOnce(value: Buffer): () => readonly Book[] {
  let books: readonly Book[] | null = null;
  return () => (books ??= JSON.parse(value.toString()) as readonly Book[]);
}

/**
 * The query, trimmed; `''` when nothing was typed.
 * @throws SamsaError `query-too-long`, with a message for the reader.
 */
export function checkedQuery(typed: string | undefined): string {
  const query = (typed ?? '').trim();
  if (isBlank(query)) return '';
  if (query.length <= longestQuery) return query;
  const length = Array.from(query).length;
  if (length <= longestQuery) return query;
  throw new SamsaError(
    'query-too-long',
    `A search may have ${longestQuery} characters, this one has ${length}. A few words of the title or the author are enough.`,
  );
}
