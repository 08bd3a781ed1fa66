import type { FastifyReply, FastifyRequest } from 'fastify';
import { html } from '../../../http/html.ts';
import type { Problem } from '../../../http/problem.ts';
import type { Assets } from '../assets/load-assets.ts';
import { pageHeaders, renderPage } from './layout.ts';

/** Shows failures as pages to whoever asks for pages; programs get their problem details. */
export function createProblemPages(
  assets: Assets,
): (problem: Problem, request: FastifyRequest, reply: FastifyReply) => boolean {
  return ({ status, detail }, request, reply) => {
    if (request.headers.accept?.includes('text/html') !== true) return false;
    const title = titleOf(status);
    const content = html`<div class="room">
      <main id="main" class="problem">
        <h1>${title}</h1>
        <p>${detail}</p>
        <p><a href="/">Back to the front table</a></p>
      </main>
    </div>`;
    void reply.headers(pageHeaders).send(renderPage(assets, { title, query: '', content }));
    return true;
  };
}

function titleOf(status: number): string {
  if (status === 404) return 'Nothing stands here';
  if (status === 429) return 'One moment, please';
  return status >= 500 ? 'Something fell off a shelf' : 'We did not understand that';
}
