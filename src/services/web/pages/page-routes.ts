import { Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bookIdPattern } from '../../../events/book.ts';
import { answersText, type HttpServer } from '../../../http/routes.ts';
import { assetRoutes } from '../assets/assets.ts';
import { samePagePath } from '../readers/action-routes.ts';
import {
  askedTrends,
  composeBook,
  composeResults,
  composeStart,
  readPageSearch,
  type PageDeps,
  type PageParameters,
} from './compose-pages.ts';
import { pageHeaders, renderPage } from './layout.ts';
import { renderRecommendations, renderTrends } from './panels.ts';

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
      return renderRecommendations({ recommendations, back: samePagePath(back) }).markup;
    },
  );
}

/** Whether the page shows a list already. The script keeps it when there is no new one. */
function keepsList({ query }: FastifyRequest): boolean {
  return (query as PageParameters)['keep'] === 'list';
}
