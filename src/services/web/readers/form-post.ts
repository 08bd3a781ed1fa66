import type { FastifyRequest } from 'fastify';

/**
 * Whether a request may act for the reader whose cookie it carries: not when a page of another site made the browser
 * send it. Browsers say so themselves (Fetch Metadata, or at least `Origin`); other clients send neither.
 */
export function isFromThisSite(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  if (typeof site === 'string') return site === 'same-origin' || site === 'none';
  const { origin } = request.headers;
  return origin === undefined || (URL.parse(origin)?.host ?? '') === request.host;
}

/**
 * The given path if it leads to a page of this shop, else `/`. A browser takes `//host` and `/\host` for another site,
 * and drops tabs and line breaks before it looks.
 */
export function samePagePath(path: unknown): string {
  if (typeof path !== 'string' || path.length > 2_000) return '/';
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/';
}

/** The path with what was done there, for the page to confirm it. */
export function withDone(path: string, action: string): string {
  const url = new URL(path, 'http://this.shop');
  url.searchParams.set('done', action);
  return `${url.pathname}${url.search}`;
}
