import { Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyRequest, FastifyReply } from 'fastify';
import { bookIdPattern, parseBookId, type Book } from '../../../events/book.ts';
import { answersText, type HttpServer } from '../../../http/route-schemas.ts';
import { assetRoutes, type Assets } from '../assets/assets.ts';
import {
  ownPagePath,
  offeredActions,
  type BookAction,
  type LookupBook,
  type RecordAction,
  type OfferedAction,
} from '../readers/action-routes.ts';
import { pageHeaders, renderPage, type PageView } from './layout.ts';
import { renderRecommendations, renderTrends, renderPanels, type LastSearch, type PanelViews } from './panels.ts';
import { SamsaError, reason } from '../../../errors.ts';
import { longestQuery } from '../../../events/book-searched.ts';
import { html, type Html } from './html.ts';
import type { WeighSearch } from '../readers/search-weight.ts';
import { isFromOwnPage, isVisit, type IdentifyReader } from '../readers/reader-identity.ts';
import type { RemoteServices } from '../remote-services.ts';
import {
  checkedQuery,
  furthestOffset,
  nobody,
  type SearchAnswer,
  type SearchingReader,
  type SearchOptions,
} from '../search/query/answer-search.ts';
import { bookUrl, searchUrl, renderBook } from './books.ts';
import { renderFrontTable, renderResults } from './search-page.ts';

/** Crawlers may read books but not search, because each search is an event. */
const robots = 'User-agent: *\nDisallow: /?\nDisallow: /api/\nDisallow: /fragments/\n';

/** The pages of the shop, and the fragments with which a script refreshes them. No page needs a script. */
export function pageRoutes(server: HttpServer, deps: PageDeps): void {
  assetRoutes(server, deps.assets);
  server.get('/favicon.ico', { schema: { hide: true } }, (_request, reply) =>
    reply.redirect(deps.assets['beetle.svg'].url, 302),
  );
  server.get('/robots.txt', { schema: answersText('What crawlers may read', 'text/plain') }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').header('cache-control', 'public, max-age=86400').send(robots),
  );
  void server.register(async (pages: FastifyInstance) => {
    pages.addHook('onRequest', async (_request, reply) => {
      void reply.headers(pageHeaders);
    });
    searchAndBookRoutes(pages, deps);
    fragmentRoutes(pages, deps);
  });
}

function searchAndBookRoutes(pages: FastifyInstance, deps: PageDeps): void {
  pages.get('/', { schema: answersText('The start page, or results with q', 'text/html') }, async (request, reply) => {
    const search = readPageSearch(request.query as PageParameters);
    const composing =
      search.query === '' ? composeStart(deps, request, reply) : composeResults(deps, search, request, reply);
    return renderPage(deps.assets, await composing);
  });
  const book = {
    ...answersText('The page of a book', 'text/html'),
    params: Type.Object({ id: Type.String({ described: { pattern: bookIdPattern } }) }),
  };
  pages.get('/books/:id', { schema: book }, async (request, reply) =>
    renderPage(deps.assets, await composeBook(deps, request, reply)),
  );
}

/** The contents of the two panels. */
function fragmentRoutes(pages: FastifyInstance, deps: PageDeps): void {
  pages.get(
    '/fragments/trends',
    { schema: answersText('The trends as part of a page', 'text/html') },
    async (request, reply) => {
      const { cookieId } = deps.identify(request, reply);
      const trends = await deps.remote.trends(askedTrends);
      if (!trends.ok && keepsList(request)) return reply.code(204).send();
      return renderTrends({ trends, own: deps.lastSearch.of(cookieId), nowMs: deps.clock() }).markup;
    },
  );
  pages.get(
    '/fragments/recommendations',
    { schema: answersText('Suggestions as part of a page', 'text/html') },
    async (request, reply) => {
      const { cookieId } = deps.identify(request, reply);
      const { back } = request.query as PageParameters;
      const recommendations = await deps.remote.recommendations(cookieId);
      if (!recommendations.ok && keepsList(request)) return reply.code(204).send();
      return renderRecommendations({ recommendations, back: ownPagePath(back) }).markup;
    },
  );
}

/** Whether the page shows a list already. The script keeps it when there is no new one. */
function keepsList({ query }: FastifyRequest): boolean {
  return (query as PageParameters)['keep'] === 'list';
}

/** The part of a search's answer that a page shows. */
export type ShownAnswer = Pick<SearchAnswer, 'books' | 'total' | 'totalIsExact' | 'dropped' | 'corrected'>;

/** Every part of the shop that the pages use. */
type PageDeps = {
  /** Answers a search; with `record` the search is also sent as an event. */
  readonly answerSearch: (
    query: string,
    reader: SearchingReader,
    options: Pick<SearchOptions, 'offset' | 'limit' | 'record' | 'exact'>,
  ) => Promise<ShownAnswer>;
  readonly lookupBook: LookupBook;
  readonly remote: Pick<RemoteServices, 'trends' | 'recommendations'>;
  readonly identify: IdentifyReader;
  readonly weigh: WeighSearch;
  readonly lastSearch: LastSearch;
  readonly recordAction: RecordAction;
  /** `app.page_size`. */
  readonly pageSize: number;
  readonly assets: Assets;
  readonly clock: () => number;
};

/** Divisible by two, three and four, for rows of each length. */
const frontTableBooks = 12;
const shownRelated = 4;
const askedTrends = 10;

/** The start page: the most popular books, trends and recommendations. */
async function composeStart(deps: PageDeps, request: FastifyRequest, reply: FastifyReply): Promise<PageView> {
  const { cookieId } = deps.identify(request, reply);
  const asked = askRemote(deps, cookieId);
  const { books } = await deps.answerSearch('', nobody, { offset: 0, limit: frontTableBooks, record: false });
  return {
    title: '',
    query: '',
    welcome: true,
    content: withPanels(deps, renderFrontTable(books()), cookieId, '/', await asked),
  };
}

/** A page of results. Only a first page that a reader sees sends an event; paging and prefetching send none. */
async function composeResults(
  deps: PageDeps,
  { query, offset, exact }: PageSearch,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<PageView> {
  const reader = deps.identify(request, reply);
  const record = offset === 0 && isVisit(request) && readDone(request.query as PageParameters) === null;
  const asked = askRemote(deps, reader.cookieId);
  const weight = record ? deps.weigh(reader, query) : 0;
  const options = { offset, limit: deps.pageSize, record, exact };
  const answer = await deps.answerSearch(query, { id: reader.id, weight, place: reader.place }, options);
  if (record) rememberSearch(deps, reader.cookieId, query, answer);
  const results = renderResults({ ...answer, books: answer.books(), query, offset, exact, pageSize: deps.pageSize });
  return {
    title: query,
    query,
    content: withPanels(deps, results, reader.cookieId, searchUrl(query, offset, exact), await asked),
  };
}

/** One book. Viewing it is a reader action: `chosen` after a search, else `opened`. */
async function composeBook(deps: PageDeps, request: FastifyRequest, reply: FastifyReply): Promise<PageView> {
  const book = await findBook(deps, request);
  const parameters = request.query as PageParameters;
  const reader = deps.identify(request, reply);
  const trail = readTrail(parameters);
  const done = readDone(parameters);
  const asked = askRemote(deps, reader.cookieId);
  if (isVisit(request) && done === null) {
    const action: BookAction =
      trail === null || !isFromOwnPage(request)
        ? { action: 'opened', book_id: book.id }
        : { action: 'chosen', book_id: book.id, ...trail };
    deps.recordAction(reader.id, action).catch((error: unknown) => {
      request.log.warn({ error: reason(error), book: book.id }, 'a view of a book was not recorded');
    });
  }
  const related = await moreByAuthor(deps, book);
  const view = renderBook({ book, related, done, from: trail?.query ?? null });
  return {
    title: `${book.title}, by ${book.author}`,
    query: '',
    content: withPanels(deps, view, reader.cookieId, bookUrl(book.id, trail ?? undefined), await asked),
  };
}

async function findBook(deps: PageDeps, request: FastifyRequest): Promise<Book> {
  const { id } = request.params as { readonly id: string };
  const bookId = parseBookId(id);
  const book = bookId === null ? null : await deps.lookupBook(bookId);
  if (book === null) throw new SamsaError('book-unknown', 'There is no such book. It may have been removed.');
  return book;
}

async function moreByAuthor(deps: PageDeps, book: Book): Promise<readonly Book[]> {
  if (book.author === '') return [];
  const options = { offset: 0, limit: shownRelated * 4, record: false, exact: true };
  const { books } = await deps.answerSearch(`author:${book.author.slice(0, 180)}`, nobody, options);
  return books()
    .filter(({ id, author }) => id !== book.id && author === book.author)
    .slice(0, shownRelated);
}

function rememberSearch(deps: PageDeps, cookieId: string, query: string, { books }: ShownAnswer): void {
  deps.lastSearch.remember(cookieId, { query, timeMs: deps.clock(), firstBook: books()[0] ?? null });
}

type RemoteViews = Pick<PanelViews, 'trends' | 'recommendations'>;

/** Asks both services at once while the page does its own work. Always resolves. */
async function askRemote({ remote }: PageDeps, cookieId: string): Promise<RemoteViews> {
  const [trends, recommendations] = await Promise.all([remote.trends(askedTrends), remote.recommendations(cookieId)]);
  return { trends, recommendations };
}

/** The content of a page: its main part, and the panels beside it. */
function withPanels(deps: PageDeps, main: Html, cookieId: string, back: string, remote: RemoteViews): Html {
  const panels = { ...remote, own: deps.lastSearch.of(cookieId), back, nowMs: deps.clock() };
  return html`<div class="room">
    <main id="main">${main}</main>
    ${renderPanels(panels)}
  </div>`;
}

/** The query string of a page's address, not yet checked. */
type PageParameters = Readonly<Record<string, unknown>>;

/**
 * The search in a page's address. `query` is trimmed; it is empty on the start page. `exact`: as typed, uncorrected.
 */
type PageSearch = { readonly query: string; readonly offset: number; readonly exact: boolean };

/** @throws SamsaError `malformed-query` or `query-too-long`, with a message for the reader. */
function readPageSearch(parameters: PageParameters): PageSearch {
  const query = checkedQuery(readText('q', parameters['q']));
  const offset = readText('o', parameters['o']);
  if (!/^\d{0,6}$/.test(offset) || Number(offset) > furthestOffset) {
    throw new SamsaError(
      'malformed-query',
      `The address of a page of results ends in o= and a number of books to skip, at most ${furthestOffset}.`,
    );
  }
  return { query, offset: Number(offset), exact: parameters['exact'] === '1' };
}

/** The search that led to a book's page, from `?from=…&position=…`; `null` when missing or invalid. */
function readTrail(parameters: PageParameters): { readonly query: string; readonly position: number } | null {
  const { from, position } = parameters;
  if (typeof from !== 'string' || from.trim() === '' || from.length > longestQuery) return null;
  if (typeof position !== 'string' || !/^[1-9]\d{0,5}$/.test(position)) return null;
  return { query: from.trim(), position: Number(position) };
}

/** The action that a form recorded before it redirected to this page. Such a page view is not recorded again. */
function readDone({ done }: PageParameters): OfferedAction | null {
  return offeredActions.find((action) => action === done) ?? null;
}

function readText(name: string, value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  throw new SamsaError('malformed-query', `The address has ${name}= more than once; one is expected.`);
}
