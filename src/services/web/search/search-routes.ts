import { Type, type Static } from '@sinclair/typebox';
import { SamsaError } from '../../../errors.ts';
import type { HttpServer } from '../../../http/http-server.ts';
import type { IdentifyReader } from '../readers/reader-identity.ts';
import type { WeighSearch } from '../readers/search-weight.ts';
import type { AnswerSearch, SearchAnswer, SearchingReader } from './query/answer-search.ts';
import { searchSorts } from './query/find-books.ts';
import { highlightBook } from './query/highlight-book.ts';
import type { SearchIndex } from './index/search-index.ts';

export type SearchRouteDeps = {
  readonly answerSearch: AnswerSearch;
  readonly index: Pick<SearchIndex, 'suggest'>;
  readonly identify: IdentifyReader;
  readonly weigh: WeighSearch;
  readonly pageSize: number;
};

const longestQuery = 200;
const jsonType = 'application/json; charset=utf-8';
const queryText = Type.String({ description: 'what to search for; at most 200 characters' });
const offset = Type.Integer({ minimum: 0, maximum: 10_000, default: 0, description: 'how many books to skip' });
const name = Type.String({ maxLength: longestQuery });
const year = Type.Integer({ minimum: -9_999, maximum: 9_999 });

const BooksQuery = Type.Object({ q: Type.Optional(queryText), o: Type.Optional(offset) });
const SearchQuery = Type.Object({
  q: Type.Optional(queryText),
  o: Type.Optional(offset),
  n: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: 'how many books; app.page_size unless given' }),
  ),
  author: Type.Optional(name),
  subject: Type.Optional(name),
  language: Type.Optional(name),
  from: Type.Optional(year),
  to: Type.Optional(year),
  sort: Type.Optional(Type.Union(searchSorts.map((sort) => Type.Literal(sort)))),
});
const SuggestQuery = Type.Object({ q: Type.Optional(queryText) });

/** `GET /api/books`, `/api/search` and `/api/suggest` (docs/contract.md §2). */
export function searchRoutes(server: HttpServer, deps: SearchRouteDeps): void {
  const { answerSearch, index, identify, weigh, pageSize } = deps;

  server.get(
    '/api/books',
    { schema: { querystring: BooksQuery, summary: 'Search, or the catalogue in order of popularity without q' } },
    async (request, reply) => {
      const query = checkedQuery(request.query.q);
      const record = request.method !== 'HEAD' && query !== '';
      const reader = record ? searching(identify(request, reply), query, weigh) : nobody;
      const { value } = await answerSearch(query, reader, { offset: request.query.o ?? 0, limit: pageSize, record });
      return reply.header('content-type', jsonType).send(value);
    },
  );

  server.get(
    '/api/search',
    { schema: { querystring: SearchQuery, summary: 'Search with filters, facets and highlights' } },
    async (request, reply) => {
      const asked = request.query;
      const query = checkedQuery(asked.q);
      const offset = asked.o ?? 0;
      const record = request.method !== 'HEAD' && query !== '' && offset === 0;
      const reader = record ? searching(identify(request, reply), query, weigh) : nobody;
      const answer = await answerSearch(query, reader, {
        offset,
        limit: asked.n ?? pageSize,
        record,
        filters: filtersOf(asked),
        sort: asked.sort ?? 'relevance',
        withFacets: true,
      });
      return reply.header('content-type', jsonType).send(JSON.stringify(describeAnswer(answer)));
    },
  );

  server.get(
    '/api/suggest',
    { schema: { querystring: SuggestQuery, summary: 'What an unfinished query may become' } },
    async (request, reply) => {
      const suggestions = index.suggest(checkedQuery(request.query.q));
      return reply.header('content-type', jsonType).send(JSON.stringify(suggestions));
    },
  );
}

const nobody: SearchingReader = { id: '', weight: 0 };

function searching(reader: ReturnType<IdentifyReader>, query: string, weigh: WeighSearch): SearchingReader {
  return { id: reader.id, weight: weigh(reader, query) };
}

/**
 * The query, trimmed; `''` when nothing was typed.
 * @throws SamsaError `query-too-long`.
 */
export function checkedQuery(typed: string | undefined): string {
  const query = (typed ?? '').trim();
  if (query.length <= longestQuery) return query;
  const length = Array.from(query).length;
  if (length <= longestQuery) return query;
  throw new SamsaError('query-too-long', `expected a query of at most ${longestQuery} characters, got ${length}`);
}

function filtersOf({ author, subject, language, from, to }: Static<typeof SearchQuery>) {
  return {
    author: nameOrAny(author),
    subject: nameOrAny(subject),
    language: nameOrAny(language),
    from: from ?? null,
    to: to ?? null,
  };
}

/** A form sends what was left empty, too. */
function nameOrAny(value: string | undefined): string | null {
  return value === undefined || value.trim() === '' ? null : value;
}

function describeAnswer(answer: SearchAnswer) {
  return {
    books: answer.books().map((book) => ({ ...book, ...highlightBook(book, answer.words) })),
    total: answer.total,
    total_is_exact: answer.totalIsExact,
    corrected: answer.corrected,
    dropped: answer.dropped,
    facets: answer.facets,
    took_ms: Math.round(answer.tookMs * 1_000) / 1_000,
    query_id: answer.queryId,
  };
}
