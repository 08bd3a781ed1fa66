import type { FastifyInstance } from 'fastify';
import type { HttpServer } from '../../../http/http-server.ts';
import { assetRoutes } from '../assets/assets.ts';
import { samePagePath } from '../readers/action-routes.ts';
import { askedTrends, composeBook, composeResults, composeStart } from './compose-pages.ts';
import { pageHeaders, renderPage } from './layout.ts';
import type { PageDeps } from './compose-pages.ts';
import { readPageSearch, type PageParameters } from './page-request.ts';
import { renderRecommendations, renderTrends } from './panels.ts';

/** The pages of the shop, and the fragments with which a script refreshes them. No page needs a script. */
export function pageRoutes(server: HttpServer, deps: PageDeps): void {
  assetRoutes(server, deps.assets);
  void server.register(async (pages: FastifyInstance) => {
    pages.addHook('onRequest', async (_request, reply) => {
      void reply.headers(pageHeaders);
    });
    searchAndBookRoutes(pages, deps);
    fragmentRoutes(pages, deps);
  });
}

function searchAndBookRoutes(pages: FastifyInstance, deps: PageDeps): void {
  pages.get('/', { schema: { hide: true } }, async (request, reply) => {
    const search = readPageSearch(request.query as PageParameters);
    const composing =
      search.query === '' ? composeStart(deps, request, reply) : composeResults(deps, search, request, reply);
    return renderPage(deps.assets, await composing);
  });
  pages.get('/books/:id', { schema: { hide: true } }, async (request, reply) =>
    renderPage(deps.assets, await composeBook(deps, request, reply)),
  );
}

/** The contents of the two panels. */
function fragmentRoutes(pages: FastifyInstance, deps: PageDeps): void {
  pages.get('/fragments/trends', { schema: { hide: true } }, async (request, reply) => {
    const { cookieId } = deps.identify(request, reply);
    const trends = await deps.remote.trends(askedTrends);
    return renderTrends({ trends, own: deps.lastSearch.of(cookieId), nowMs: deps.clock() }).markup;
  });
  pages.get('/fragments/recommendations', { schema: { hide: true } }, async (request, reply) => {
    const { cookieId } = deps.identify(request, reply);
    const { back } = request.query as PageParameters;
    const recommendations = await deps.remote.recommendations(cookieId);
    return renderRecommendations({ recommendations, back: samePagePath(back) }).markup;
  });
}
