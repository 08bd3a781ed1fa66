import type { FastifyRequest } from 'fastify';

/**
 * Whether a reader caused this request and sees its answer, so that it may be recorded (docs/privacy.md has the table).
 * Browsers say in `Sec-Fetch-Site` and `Sec-Fetch-Dest` (W3C Fetch Metadata) who caused a request and what it fills.
 * Clients without these headers are believed. False for HEAD, for prefetching, and for images and frames.
 */
export function isVisit({ method, headers }: FastifyRequest): boolean {
  if (method === 'HEAD' || isPrefetch(headers)) return false;
  const dest = headers['sec-fetch-dest'];
  if (dest === undefined || dest === 'document') return true;
  return dest === 'empty' && isOwn(headers['sec-fetch-site']);
}

/** Whether a page of this shop led to the request, as far as can be told. Links of other sites and bookmarks did not. */
export function isFromOwnPage({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin';
}

function isOwn(site: string | string[] | undefined): boolean {
  return site === undefined || site === 'same-origin' || site === 'none';
}

function isPrefetch(headers: FastifyRequest['headers']): boolean {
  const names = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];
  return names.some((name) => /prefetch|preview|prerender/i.test(String(headers[name] ?? '')));
}
