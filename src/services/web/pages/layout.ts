import type { FastifyReply, FastifyRequest } from 'fastify';
import { html, type Html } from './html.ts';
import type { Problem } from '../../../http/problem.ts';
import type { Assets } from '../assets/assets.ts';

/** Headers of every page. They forbid loading from other sites and framing by other sites. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'cache-control': 'private, no-store',
  vary: 'Cookie',
};

export type PageView = {
  /** Without the shop's name. */
  readonly title: string;
  /** The text in the search box. */
  readonly query: string;
  readonly content: Html;
  /** Whether the shop introduces itself, on the start page. */
  readonly welcome?: boolean;
};

/** A whole document. It has no inline script or style, since the content security policy forbids them. */
export function renderPage(assets: Assets, view: PageView): string {
  const welcome = view.welcome === true;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${view.title === '' ? 'Samsa, the bookshop that listens' : `${view.title} · Samsa`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="description" content="A bookshop that listens to what its readers search for." />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" type="image/svg+xml" href="${assets['beetle.svg'].url}" />
        <link rel="stylesheet" href="${assets['shop.css'].url}" />
        <script type="module" src="${assets['shop.js'].url}"></script>
      </head>
      <body class="${welcome ? 'welcome' : 'inside'}">
        <a class="skip" href="#main">Skip to the books</a>
        <header class="masthead">
          <a class="brand" href="/" aria-label="Samsa, the bookshop that listens: start page">
            ${drawBeetle()}<span class="wordmark">Samsa</span>
          </a>
          ${welcome ? html`<h1 class="motto">The bookshop that <em>listens</em></h1>` : ''}
          ${renderSearchForm(view.query)}
        </header>
        ${view.content}
        <footer class="colophon">
          <p>
            Every search here becomes an event. Two services listen, count what is being looked for and work out what to
            read next. The shop stores no names and no mail addresses, and tells no other site.
          </p>
          <p>
            <a href="/api/books">Books as JSON</a> · <a href="/openapi.json">API</a> ·
            <a href="/health/ready">Health</a>
          </p>
        </footer>
      </body>
    </html>`.markup;
}

/** Answers failures as pages to browsers. Other clients get problem details. */
export function createProblemPages(
  assets: Assets,
): (problem: Problem, request: FastifyRequest, reply: FastifyReply) => boolean {
  return ({ status, code, detail }, request, reply) => {
    if (request.headers.accept?.includes('text/html') !== true) return false;
    const title = titleOf(status);
    const content = html`<div class="room">
      <main id="main" class="problem">
        <h1>${title}</h1>
        <p>${code === 'not-found' || code === 'method-not-allowed' ? notHere : detail}</p>
        <p><a href="/">Back to the start page</a></p>
      </main>
    </div>`;
    void reply.headers({ ...pageHeaders, vary: 'Accept' }).send(renderPage(assets, { title, query: '', content }));
    return true;
  };
}

const notHere = 'There is no page at this address. Search for a book, or look at the start page.';

function titleOf(status: number): string {
  if (status === 404 || status === 405) return 'Page not found';
  if (status === 429) return 'One moment, please';
  return status >= 500 ? 'Something went wrong' : 'The shop did not understand this request';
}

function renderSearchForm(query: string): Html {
  return html`<form class="search" role="search" action="/" method="get">
    <label class="unseen" for="q">Search by title, author, subject or ISBN</label>
    <div class="search-box">
      <input
        id="q"
        name="q"
        type="search"
        value="${query}"
        maxlength="200"
        autocomplete="off"
        autocapitalize="none"
        spellcheck="false"
        enterkeyhint="search"
        placeholder="Title, author, subject or ISBN"
      />
      <button>Search</button>
    </div>
  </form>`;
}

/** The shop's logo: a beetle whose wing cases are an open book. */
function drawBeetle(): Html {
  return html`<svg class="beetle" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
    <g class="legs">
      <path d="M20 29 9 24 6 15" />
      <path d="M18 38H7l-4 5" />
      <path d="m20 47-9 5-3 8" />
      <path d="m44 29 11-5 3-9" />
      <path d="M46 38h11l4 5" />
      <path d="m44 47 9 5 3 8" />
      <path d="M29 8c-1-4-5-6-9-5" />
      <path d="M35 8c1-4 5-6 9-5" />
    </g>
    <path
      class="shell"
      d="M32 6.5a5 5 0 0 1 4.7 3.3c3.6 1.2 5.6 4.7 5.6 11-3.3-1.7-6.8-2.3-10.3-2.3s-7 .6-10.3 2.3c0-6.3 2-9.8 5.6-11A5 5 0 0 1 32 6.5z"
    />
    <path class="page" d="M31 23.5c-3.5-2.2-7.5-2.6-11.5-1.6-2.5 10-2.5 19 .5 26.6 4-.9 7.8 1.5 11 6.5z" />
    <path class="page" d="M33 23.5c3.5-2.2 7.5-2.6 11.5-1.6 2.5 10 2.5 19-.5 26.6-4-.9-7.8 1.5-11 6.5z" />
    <path
      class="lines"
      d="M22 28c2.3-.3 4.4.1 6.5 1.1M21.7 34c2.3-.3 4.7.1 6.8 1.1M22 40c2.3-.3 4.4.1 6.5 1.2M42 28c-2.3-.3-4.4.1-6.5 1.1M42.3 34c-2.3-.3-4.7.1-6.8 1.1M42 40c-2.3-.3-4.4.1-6.5 1.2"
    />
  </svg>`;
}
