import { randomUUID } from 'node:crypto';
import { Type, type Static } from '@sinclair/typebox';
import { BookSchema } from '../../../events/book.ts';
import { longestQuery } from '../../../events/book-searched.ts';
import { withoutControl, type HttpServer } from '../../../http/route-schemas.ts';
import { languageOf } from '../../../text/authors-and-isbn.ts';
import { isVisit, type IdentifyReader } from '../readers/reader-identity.ts';
import type { WeighSearch } from '../readers/search-weight.ts';
import {
  checkedQuery,
  furthestOffset,
  nobody,
  type AnswerSearch,
  type SearchAnswer,
  type SearchingReader,
} from './query/answer-search.ts';
import type { SearchFilters } from './query/facets.ts';
import { searchSorts } from './query/find-books.ts';
import { highlightBook } from './query/highlight-book.ts';
import type { SearchIndex } from './search-index.ts';

export type SearchRouteDeps = {
  readonly answerSearch: AnswerSearch;
  readonly index: Pick<SearchIndex, 'suggest'>;
  readonly identify: IdentifyReader;
  readonly weigh: WeighSearch;
  readonly pageSize: number;
};

const jsonType = 'application/json; charset=utf-8';
const described = { maxLength: longestQuery, pattern: withoutControl };
const queryText = Type.String({ description: 'what to search for', described });
const offset = Type.Integer({ minimum: 0, maximum: furthestOffset, default: 0, description: 'how many books to skip' });
const name = Type.String({ maxLength: longestQuery, described: { pattern: withoutControl } });
const names = Type.Union([name, Type.Array(name, { maxItems: 20 })], { description: 'several mean any of them' });
const year = Type.Integer({ minimum: -9_999, maximum: 9_999 });

const exact = Type.Optional(Type.Literal('1', { description: 'search for the words as typed and no others' }));
const BooksQuery = Type.Object({ q: Type.Optional(queryText), o: Type.Optional(offset), exact });
const SearchQuery = Type.Object({
  q: Type.Optional(queryText),
  o: Type.Optional(offset),
  n: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: 'how many books; app.page_size unless given' }),
  ),
  author: Type.Optional(names),
  subject: Type.Optional(names),
  language: Type.Optional(names),
  from: Type.Optional(year),
  to: Type.Optional(year),
  exact,
  sort: Type.Optional(Type.Union(searchSorts.map((sort) => Type.Literal(sort)))),
});
const SuggestQuery = Type.Object({ q: Type.Optional(queryText) });

const ListedBook = Type.Omit(BookSchema, [], { additionalProperties: true });
const Texts = Type.Array(Type.String());
const FacetValues = Type.Array(Type.Object({ value: Type.String(), count: Type.Integer() }));
const Ranges = Type.Array(Type.Array(Type.Integer()));
const SearchAnswerSchema = Type.Object({
  books: Type.Array(
    Type.Composite([
      BookSchema,
      Type.Object({ highlights: Type.Object({ title: Ranges, author: Ranges }), matched: Texts }),
    ]),
  ),
  total: Type.Integer(),
  total_is_exact: Type.Boolean(),
  corrected: Type.Union([Type.String(), Type.Null()]),
  dropped: Texts,
  facets: Type.Union([Type.Object({ author: FacetValues, subject: FacetValues, language: FacetValues }), Type.Null()]),
  took_ms: Type.Number(),
  query_id: Type.String(),
});
const SuggestionsSchema = Type.Object({
  books: Type.Array(Type.Pick(BookSchema, ['id', 'title', 'author'])),
  authors: Texts,
  subjects: Texts,
  queries: Texts,
});

/** `GET /api/books`, `/api/search` and `/api/suggest` (docs/contract.md §2). */
export function searchRoutes(server: HttpServer, deps: SearchRouteDeps): void {
  const { answerSearch, index, identify, weigh, pageSize } = deps;

  server.get(
    '/api/books',
    {
      schema: {
        querystring: BooksQuery,
        summary: 'Search, or the catalogue in order of popularity without q',
        response: { 200: Type.Array(ListedBook) },
      },
    },
    async (request, reply) => {
      const query = checkedQuery(request.query.q);
      // Every request is recorded, as the tutorial's service does (docs/privacy.md).
      const record = request.method !== 'HEAD' && query !== '';
      const reader = record ? searching(identify(request, reply), query, weigh) : nobody;
      const { o: offset = 0, exact } = request.query;
      const { value } = await answerSearch(query, reader, { offset, limit: pageSize, record, exact: exact === '1' });
      // Sent as text, because Node sends text together with the headers, and bytes as a second piece, which takes
      // longer.
      return reply.header('content-type', jsonType).send(value.toString() as never);
    },
  );

  server.get(
    '/api/search',
    {
      schema: {
        querystring: SearchQuery,
        summary: 'Search with filters, facets and highlights',
        response: { 200: SearchAnswerSchema },
      },
    },
    async (request, reply) => {
      const asked = request.query;
      const query = checkedQuery(asked.q);
      const offset = asked.o ?? 0;
      const record = isVisit(request) && query !== '' && offset === 0;
      const reader = record ? searching(identify(request, reply), query, weigh) : nobody;
      const answer = await answerSearch(query, reader, {
        offset,
        limit: asked.n ?? pageSize,
        record,
        ...filtersOf(asked),
        exact: asked.exact === '1',
        sort: asked.sort ?? 'relevance',
        withFacets: true,
      });
      return reply.header('content-type', jsonType).send(JSON.stringify(describeAnswer(answer)) as never);
    },
  );

  server.get(
    '/api/suggest',
    {
      schema: {
        querystring: SuggestQuery,
        summary: 'What an unfinished query may become',
        response: { 200: SuggestionsSchema },
      },
    },
    async (request, reply) => {
      const suggestions = index.suggest(checkedQuery(request.query.q));
      return reply.header('content-type', jsonType).send(JSON.stringify(suggestions) as never);
    },
  );
}

function searching(reader: ReturnType<IdentifyReader>, query: string, weigh: WeighSearch): SearchingReader {
  return { id: reader.id, weight: weigh(reader, query), place: reader.place };
}

/** No `filters` when nothing is chosen. */
function filtersOf({ author, subject, language, from, to }: Static<typeof SearchQuery>): { filters?: SearchFilters } {
  const filters = {
    authors: chosen(author),
    subjects: chosen(subject),
    languages: chosen(language).map(languageOf),
    from: from ?? null,
    to: to ?? null,
  };
  const { authors, subjects, languages } = filters;
  const isChosen = authors.length + subjects.length + languages.length > 0 || from !== undefined || to !== undefined;
  return isChosen ? { filters } : {};
}

/** Drops empty values, because a form also sends the fields that were left empty. */
function chosen(values: string | readonly string[] | undefined): readonly string[] {
  return [values ?? []].flat().filter((value) => value.trim() !== '');
}

function describeAnswer(answer: SearchAnswer) {
  const words = answer.words();
  return {
    books: answer.books().map((book) => ({ ...book, ...highlightBook(book, words) })),
    total: answer.total,
    total_is_exact: answer.totalIsExact,
    corrected: answer.corrected,
    dropped: answer.dropped,
    facets: answer.facets,
    took_ms: Math.round(answer.tookMs * 1_000) / 1_000,
    query_id: randomUUID(),
  };
}
